import { isInvalid } from '../../shared/api/annotations.ts';
import { type ExclusionRule, isSameRule, parseExclusions, writtenRule } from '../../shared/api/exclusions.ts';
import { parseYamlDocuments } from '../../shared/yaml/parse-yaml.ts';
import { printYaml } from '../../shared/yaml/print-yaml.ts';

/**
 * The text of `disabled-resources` with one rule more, last; everything that is there stays as it is written. Undefined
 * where that can't be done: where comments stand in a list that isn't in lines of its own.
 *
 * @param text - a valid one, or undefined.
 */
export function addExclusion(text: string | undefined, rule: ExclusionRule): string | undefined {
  const rules = rulesOf(text);
  const [indent = ''] = /^ *(?=-)/m.exec(text ?? '') ?? [];
  return firstThatMeans(
    [...rules, rule],
    () => `${onOwnLine(text ?? '')}${linesOf(rule, rules.length === 0 ? '' : indent)}`,
    (wanted) => anew(text ?? '', wanted),
  );
}

/** The same without a rule; empty when nothing is left. Comments on lines of their own stay. */
export function removeExclusion(text: string, rule: ExclusionRule): string | undefined {
  const rules = rulesOf(text);
  const left = rules.filter((other) => !isSameRule(other, rule));
  return firstThatMeans(
    left,
    () => {
      const dropped = rules.flatMap((other, index) => (isSameRule(other, rule) ? [extentOf(text, rules, index)] : []));
      const kept = text
        .split('\n')
        .filter((_, line) => !dropped.some(({ from, to }) => line >= from && line <= to))
        .join('\n');
      return /^(\s|---|\.\.\.)*$/.test(kept) ? '' : kept;
    },
    (wanted) => anew(text, wanted),
  );
}

/** The same with another note beside a rule that is there. */
export function noteExclusion(text: string, rule: ExclusionRule): string | undefined {
  const rules = rulesOf(text);
  const index = rules.findIndex((other) => isSameRule(other, rule));
  const wanted = rules.map((other, at) => (at === index ? rule : other));
  const lines = text.split('\n');
  const { from, to } = extentOf(text, rules, index);
  const [, indent = '', dash = ''] = /^( *)(- *)/.exec(lines[from] ?? '') ?? [];
  const replaced = (text: string) =>
    [...lines.slice(0, from), ...text.trimEnd().split('\n'), ...lines.slice(to + 1)].join('\n');
  return firstThatMeans(
    wanted,
    () => {
      // Only the lines of the note: whatever else is said there stays.
      const { reason, until } = writtenRule(rule);
      const note = printYaml({ ...(reason !== undefined && { reason }), ...(until !== undefined && { until }) });
      const others = lines.slice(from, to + 1).filter((line) => !/^ +(?:reason|until):/.test(line));
      const inner = ' '.repeat(indent.length + dash.length);
      return replaced(`${others.join('\n')}\n${note === '{}\n' ? '' : note.replace(/^(?=.)/gm, inner)}`);
    },
    () => (lines.slice(from, to + 1).some((line) => line.includes('#')) ? undefined : replaced(linesOf(rule, indent))),
    () => anew(text, wanted),
  );
}

/** Of several ways to write it, the first that means these rules. */
function firstThatMeans(
  rules: readonly ExclusionRule[],
  ...ways: readonly ((rules: readonly ExclusionRule[]) => string | undefined)[]
): string | undefined {
  for (const way of ways) {
    const text = way(rules);
    if (text !== undefined && isMeant(text, rules)) return text;
  }
  return undefined;
}

function isMeant(text: string, rules: readonly ExclusionRule[]): boolean {
  const parsed = parseExclusions(text);
  if (isInvalid(parsed) || parsed.length !== rules.length) return false;
  return rules.every((rule, index) => {
    const other = parsed[index];
    return other !== undefined && isSameRule(rule, other) && noteText(rule) === noteText(other);
  });
}

function noteText({ note: { reason, until, mistakes = [] } = {} }: ExclusionRule): string {
  return JSON.stringify([reason, until, mistakes]);
}

/** Written anew, where that loses nothing but the form. */
function anew(text: string, rules: readonly ExclusionRule[]): string | undefined {
  return text.includes('#') ? undefined : rules.map((rule) => linesOf(rule, '')).join('');
}

/** The lines of a rule, from 0, both included. What stands between two rules belongs to the next. */
function extentOf(text: string, rules: readonly ExclusionRule[], index: number): { from: number; to: number } {
  const [document] = parseYamlDocuments(text);
  const lines = text.split('\n');
  const startOf = (rule: number) => (rule < rules.length ? (document?.lineOf([rule]) ?? 1) - 1 : lines.length);
  const from = startOf(index);
  let to = startOf(index + 1) - 1;
  while (to > from && /^\s*([#\]].*)?\r?$/.test(lines[to] ?? '')) to--;
  return { from, to };
}

function rulesOf(text: string | undefined): readonly ExclusionRule[] {
  const rules = parseExclusions(text);
  return isInvalid(rules) ? [] : rules;
}

function linesOf(rule: ExclusionRule, indent: string): string {
  return printYaml(writtenRule(rule))
    .trimEnd()
    .split('\n')
    .map((line, index) => `${indent}${index === 0 ? '- ' : '  '}${line}\n`)
    .join('');
}

function onOwnLine(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}
