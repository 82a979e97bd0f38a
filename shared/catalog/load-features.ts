import { parseYamlDocuments, YamlError } from '../yaml/parse-yaml.ts';
import type { Feature } from './asset.ts';
import type { Mistake } from './catalog-error.ts';
import { Fields } from './read-fields.ts';

export type LoadedFeatures = {
  readonly features: readonly Feature[];
  /** Those of features with mistakes too; undefined where none could be read. */
  readonly names?: ReadonlySet<string>;
  readonly mistakes: readonly Mistake[];
};

/** The features of `features.yaml`, in its order: a list of maps with name, title and description. */
export function loadFeatures(file: string, source: string): LoadedFeatures {
  const mistakes: Mistake[] = [];
  const report = (line: number, message: string) => mistakes.push({ file, line, message });
  try {
    const [document] = parseYamlDocuments(source, { ambiguous: 'refuse' });
    if (document === undefined) return { features: [], names: new Set(), mistakes };
    const { value, lineOf } = document;
    if (!Array.isArray(value)) {
      report(document.line, 'Features are a list');
      return { features: [], mistakes };
    }
    const names = new Set<string>();
    const features = value.flatMap((item, index): Feature[] => {
      const fields = new Fields(item, [index], (path, message) => report(lineOf(path), message));
      return readFeature(fields, names);
    });
    features.forEach(({ name }, index) => {
      if (features.findIndex((other) => other.name === name) < index)
        report(lineOf([index, 'name']), `There is another feature ${name}`);
    });
    return { features, names, mistakes };
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    return { features: [], mistakes: error.mistakes.map((mistake) => ({ file, ...mistake })) };
  }
}

function readFeature(fields: Fields, names: Set<string>): Feature[] {
  const name = fields.required('name', fields.text('name'));
  if (name !== undefined) names.add(name);
  const title = fields.required('title', fields.text('title'));
  const description = fields.required('description', fields.text('description'));
  const maturity = fields.oneOf('maturity', ['dp', 'tp', 'ga']);
  const concerns = fields.oneOf('concerns', ['vms', 'all']) ?? 'all';
  const requires = fields.texts('requires');
  const recommended = fields.texts('recommended');
  fields.end();
  if (name !== undefined && !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name))
    fields.mistake('name', `${name} can't name a feature`);
  if (name === undefined || title === undefined || description === undefined) return [];
  return [
    {
      name,
      title,
      description,
      concerns,
      ...(maturity === undefined ? {} : { maturity }),
      ...(requires.length === 0 ? {} : { requires }),
      ...(recommended.length === 0 ? {} : { recommended }),
    },
  ];
}
