import type { Paint, Tone } from '../output/colour.ts';
import { escapeText } from '../output/escape.ts';
import type { Finding, Severity } from './finding.ts';

/** For people: a finding after the other, and last how many there are. */
export function doctorText(findings: readonly Finding[], { paint, checks }: { paint: Paint; checks: number }): string {
  const blocks = findings.map(({ id, severity, what, where, fix, note }) => {
    const lines = [what, ...(note === undefined ? [] : [`note: ${note}`]), `fix: ${fix}`];
    return `${paint(tones[severity], severity)}   ${id}   ${escapeText(where)}\n${lines.map((line) => `  ${escapeText(line)}\n`).join('')}\n`;
  });
  return `${blocks.join('')}${totals(findings, checks)}\n`;
}

const tones: Readonly<Record<Severity, Tone>> = { error: 'bad', warning: 'change', info: 'quiet' };

function totals(findings: readonly Finding[], checks: number): string {
  if (findings.length === 0) return `nothing found by ${checks} checks`;
  const counted = (severity: Severity, one: string, many: string) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    return count === 0 ? [] : [`${count} ${count === 1 ? one : many}`];
  };
  const counts = [
    ...counted('error', 'error', 'errors'),
    ...counted('warning', 'warning', 'warnings'),
    ...counted('info', 'info', 'infos'),
  ];
  return `${counts.join(', ')} found by ${checks} checks`;
}
