import { UserError } from '../user-error.ts';

type Labels = Readonly<Record<string, string>>;

/**
 * Whether labels fit a selector as kubectl takes it: `a=b`, `a==b`, `a!=b`, `a`, `!a`, `a in (b,c)`, `a notin (b,c)`,
 * separated by commas, all of which must hold.
 *
 * @throws UserError for anything else.
 */
export function parseLabelSelector(text: string): (labels: Labels) => boolean {
  const requirements = text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => requirement(part, text));
  return (labels) => requirements.every((holds) => holds(labels));
}

function requirement(part: string, whole: string): (labels: Labels) => boolean {
  const [, name = '', not, values] = /^([\w./-]+)\s+(not)?in\s*\(([^()]*)\)$/.exec(part) ?? [];
  if (values !== undefined) {
    const wanted = values.split(',').map((value) => value.trim());
    return (labels) => wanted.includes(labels[name] ?? ' ') !== (not !== undefined);
  }
  const [, key = '', operator, value = ''] = /^([\w./-]+)\s*(==?|!=)\s*([\w.-]*)$/.exec(part) ?? [];
  if (operator !== undefined) return (labels) => (labels[key] === value) === (operator !== '!=');
  const [, absent, only] = /^(!?)\s*([\w./-]+)$/.exec(part) ?? [];
  if (only === undefined) {
    throw new UserError(
      `-l ${JSON.stringify(whole)} is no label selector: it is like a=b, a!=b, a, !a, or "a in (b,c)"`,
    );
  }
  return (labels) => Object.hasOwn(labels, only) === (absent === '');
}
