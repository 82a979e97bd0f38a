import { autopilotName, pluginManager } from '../../shared/api/names.ts';
import type { Arguments } from '../arguments.ts';
import type { Option } from '../command.ts';
import { UserError } from '../user-error.ts';
import { type GitopsTool, gitopsTools } from './gitops-rules.ts';

const dryRuns = ['none', 'client', 'server'] as const;

/** What every command takes that writes. */
export const writeOptions: readonly Option[] = [
  { name: 'yes', short: 'y', type: 'switch', description: 'Writes without asking; needed where there is no terminal' },
  {
    name: 'dry-run',
    type: 'text',
    placeholder: dryRuns.join('|'),
    of: dryRuns,
    // Without a value it is refused with a hint, rather than taking the next word for one.
    bare: '',
    description: 'client: only shows what would change; server: has the API server check it too',
  },
  {
    name: 'output',
    short: 'o',
    type: 'text',
    choices: ['yaml', 'json'],
    description: 'Prints the change for a Git repository instead of making it',
  },
  {
    name: 'gitops',
    type: 'text',
    choices: gitopsTools,
    description: 'Only prints how that tool leaves alone what the autopilot keeps of the object',
  },
  {
    name: 'field-manager',
    type: 'text',
    placeholder: 'NAME',
    description: `Who is recorded as having set it; default ${pluginManager}`,
  },
];

/** What every command takes that makes an override: see `wantedNote`. */
export const noteOptions: readonly Option[] = [
  {
    name: 'reason',
    type: 'text',
    placeholder: 'TEXT',
    description: 'Why, for those who look at it later; empty takes it away',
  },
  {
    name: 'until',
    type: 'text',
    placeholder: 'DATE',
    description:
      'When to look at it again: 2026-12-31, 2026-12-31T18:00:00Z, 30d, 2w or 12h; it stays in effect, and is reported then',
  },
];

export type WriteOptions = {
  readonly dryRun: 'none' | 'client' | 'server';
  readonly yes: boolean;
  readonly format: 'yaml' | 'json' | undefined;
  readonly fieldManager: string;
  readonly gitops: GitopsTool | undefined;
};

/** @throws UserError for a value that isn't allowed. */
export function writeOptionsOf(args: Arguments): WriteOptions {
  const given = args.text('dry-run') ?? 'none';
  const dryRun = dryRuns.find((value) => value === given);
  if (dryRun === undefined) {
    const what = given === '' ? '--dry-run needs a value' : `--dry-run=${given} isn't known`;
    throw new UserError(
      `${what}: --dry-run=client only shows what would change, --dry-run=server has the API server check it too, --dry-run=none writes`,
    );
  }
  const fieldManager = args.text('field-manager') ?? pluginManager;
  if (fieldManager === autopilotName) {
    throw new UserError(
      `--field-manager=${fieldManager} is the controller's own name: what a person writes as the controller would be taken for its own; leave it out, or choose another`,
    );
  }
  // The API server's own rule.
  if (!/^[\x21-\x7e]([\x20-\x7e]{0,126}[\x21-\x7e])?$/.test(fieldManager)) {
    throw new UserError('--field-manager must be 1 to 128 printable characters');
  }
  const format = args.text('output');
  const gitops = gitopsTools.find((tool) => tool === args.text('gitops'));
  if (gitops !== undefined && format !== undefined) {
    throw new UserError(
      '--gitops and --output exclude each other: the one prints rules for a tool, the other the change',
    );
  }
  return {
    dryRun,
    yes: args.isOn('yes'),
    fieldManager,
    gitops,
    format: format === 'yaml' || format === 'json' ? format : undefined,
  };
}
