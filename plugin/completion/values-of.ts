import type { Arguments } from '../arguments.ts';
import type { Option } from '../command.ts';
import type { Environment } from '../environment.ts';
import { type Candidates, directive, fitting, nothing } from './candidate.ts';

/** What the value of an option may be, where only `typed` of it is there. */
export async function valuesOf(
  { type, choices, placeholder = '', of }: Option,
  typed: string,
  given: Arguments,
  environment: Environment,
): Promise<Candidates> {
  if (type === 'switch') return fitting([{ text: 'true' }, { text: 'false' }], typed);
  if (choices !== undefined)
    return fitting(
      choices.map((text) => ({ text })),
      typed,
    );
  if (of !== undefined) return await (await import('./names-of.ts')).namesOf(of, typed, given, environment);
  const kinds = placeholder.split('|');
  if (kinds.includes('FILE')) return { candidates: [], directive: directive.files };
  return kinds.includes('DIR') ? { candidates: [], directive: directive.folders } : nothing;
}
