import { autopilotName, managedByLabel } from '../api/names.ts';
import { neverDeleted } from '../api/never-deleted.ts';
import { parseYamlDocuments, YamlError } from '../yaml/parse-yaml.ts';
import type { Tombstone } from './asset.ts';
import type { Mistake } from './catalog-error.ts';
import { pluralOf } from './plural.ts';
import { Fields } from './read-fields.ts';

/**
 * The tombstones of one file: identities of objects to delete, each with our label, so that nobody buries by mistake
 * what was never ours. Named after the file, and numbered where it holds several.
 */
export function loadTombstones(
  file: string,
  source: string,
): { tombstones: readonly Tombstone[]; mistakes: readonly Mistake[] } {
  const mistakes: Mistake[] = [];
  try {
    const documents = parseYamlDocuments(source, { ambiguous: 'refuse' });
    const baseName = file.slice(file.lastIndexOf('/') + 1).replace(/\.ya?ml$/, '');
    const tombstones = documents.flatMap(({ value, lineOf }, index): Tombstone[] => {
      const fields = new Fields(value, [], (path, message) => mistakes.push({ file, line: lineOf(path), message }));
      return readTombstone(fields, documents.length === 1 ? baseName : `${baseName}-${index + 1}`, file);
    });
    return { tombstones, mistakes };
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    return { tombstones: [], mistakes: error.mistakes.map((mistake) => ({ file, ...mistake })) };
  }
}

function readTombstone(fields: Fields, name: string, file: string): Tombstone[] {
  const apiVersion = fields.required('apiVersion', fields.text('apiVersion'));
  const kind = fields.required('kind', fields.text('kind'));
  const metadata = fields.required('metadata', fields.fields('metadata'));
  const objectName = metadata?.required('name', metadata.text('name'));
  const namespace = metadata?.text('namespace');
  const labels = metadata?.textMap('labels') ?? {};
  metadata?.end();
  fields.end();

  if (apiVersion !== undefined && !/^([a-z0-9.-]+\/)?v[a-z0-9]+$/.test(apiVersion))
    fields.mistake('apiVersion', `${apiVersion} isn't an apiVersion`);
  if (kind !== undefined && neverDeleted.has(kind)) fields.mistake('kind', `A ${kind} is never deleted`);
  if (kind !== undefined && !/^[A-Z][A-Za-z0-9]*$/.test(kind)) fields.mistake('kind', `${kind} isn't a kind`);
  if (metadata !== undefined && labels[managedByLabel] !== autopilotName) {
    metadata.mistake('labels', `A tombstone carries the label ${managedByLabel}: ${autopilotName}`);
  }
  for (const [key, text] of [
    ['name', objectName],
    ['namespace', namespace],
  ] as const) {
    if (text !== undefined && !/^[A-Za-z0-9][A-Za-z0-9.:_-]*$/.test(text))
      metadata?.mistake(key, `${JSON.stringify(text)} can't be the ${key} of an object`);
  }
  if (apiVersion === undefined || kind === undefined || objectName === undefined) return [];
  const target = {
    apiVersion,
    kind,
    plural: pluralOf(kind),
    name: objectName,
    ...(namespace === undefined ? {} : { namespace }),
  };
  return [{ name, file, target }];
}
