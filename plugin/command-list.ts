import type { Command } from './command.ts';

export type CommandEntry = {
  readonly name: string;
  /** One line for the list in help. */
  readonly summary: string;
  readonly load: () => Promise<Command>;
};

/** Every command, in the order of help. A command's file, and all it needs, is loaded only when it is called. */
export const commandList: readonly CommandEntry[] = [
  {
    name: 'status',
    summary: 'What the autopilot keeps, what it would change, and why',
    load: async () => (await import('./commands/status.ts')).status,
  },
  {
    name: 'render',
    summary: 'The manifests as they should be, ready for kubectl apply',
    load: async () => (await import('./commands/render.ts')).render,
  },
  {
    name: 'diff',
    summary: 'What the controller would change, and who set what it changes',
    load: async () => (await import('./commands/diff.ts')).diff,
  },
  {
    name: 'explain',
    summary: 'Why an asset is decided as it is, step by step, and what would change that',
    load: async () => (await import('./commands/explain.ts')).explain,
  },
  {
    name: 'enable',
    summary: 'Opts in to features',
    load: async () => (await import('./commands/enable.ts')).enable,
  },
  {
    name: 'disable',
    summary: 'Takes opt-ins back, and lists what stays behind',
    load: async () => (await import('./commands/disable.ts')).disable,
  },
  {
    name: 'patch',
    summary: 'Deviates from the baseline in the fields that you say',
    load: async () => (await import('./commands/patch.ts')).patch,
  },
  {
    name: 'unmanage',
    summary: 'Has the autopilot keep its hands off an object',
    load: async () => (await import('./commands/unmanage.ts')).unmanage,
  },
  {
    name: 'manage',
    summary: 'Gives an object back to the autopilot',
    load: async () => (await import('./commands/manage.ts')).manage,
  },
  {
    name: 'unpause',
    summary: 'Resumes what was paused by an edit war, and says what ends it',
    load: async () => (await import('./commands/unpause.ts')).unpause,
  },
  {
    name: 'ignore',
    summary: 'Leaves fields of an object to whoever else sets them',
    load: async () => (await import('./commands/ignore.ts')).ignore,
  },
  {
    name: 'exclude',
    summary: 'Leaves objects out of the baseline altogether',
    load: async () => (await import('./commands/exclude.ts')).exclude,
  },
  {
    name: 'features',
    summary: 'The features that there are, and what switches them on',
    load: async () => (await import('./commands/features.ts')).features,
  },
  {
    name: 'doctor',
    summary: 'What keeps the autopilot or you from working, each with its fix',
    load: async () => (await import('./commands/doctor.ts')).doctor,
  },
  {
    name: 'completion',
    summary: 'Has your shell complete commands, options and names',
    load: async () => (await import('./commands/completion.ts')).completion,
  },
  {
    name: 'version',
    summary: 'Versions of plugin, catalog, controller and API server',
    load: async () => (await import('./commands/version.ts')).version,
  },
];
