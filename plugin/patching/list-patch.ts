import { annotation, isInvalid, parsePatch } from '../../shared/api/annotations.ts';
import { parsePointer } from '../../shared/api/json-pointer.ts';
import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { valueAt } from '../../shared/engine/value-at.ts';
import type { Paint } from '../output/colour.ts';
import { safeJson, safeYaml } from '../output/print-manifests.ts';
import { formatTable } from '../output/table.ts';
import { UserError } from '../user-error.ts';

/**
 * The patch that an object carries: a row an operation, with what is rendered there and what is wanted instead.
 *
 * @returns undefined where there is none.
 * @throws UserError for one that can't be read.
 */
export function listPatch(
  { metadata }: KubernetesObject,
  baseline: KubernetesObject | undefined,
  { format, paint }: { format: string | undefined; paint: Paint },
): string | undefined {
  const text = metadata.annotations?.[annotation.patch];
  if (text === undefined) return undefined;
  const operations = parsePatch(text, baseline);
  if (isInvalid(operations)) {
    throw new UserError(`${operations.message}; the object is held as it is until that is put right, as with --clear`);
  }
  if (format === 'json') return safeJson(operations);
  if (format === 'yaml') return safeYaml(operations);
  const rows = operations.map(({ op, path, from, value }) => ({
    op,
    path: from === undefined ? path : `${from} → ${path}`,
    rendered: shown(valueAt(baseline, parsePointer(path))),
    value: shown(value),
  }));
  return formatTable(
    rows,
    [
      { header: 'OP', cell: ({ op }) => op },
      { header: 'PATH', cell: ({ path }) => path },
      { header: 'RENDERED', cell: ({ rendered }) => rendered },
      { header: 'VALUE', cell: ({ value }) => value },
    ],
    { paint },
  );
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? '';
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
