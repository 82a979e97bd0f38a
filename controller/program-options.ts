import { parseArgs } from 'node:util';
import { nearestName } from '../shared/api/nearest-name.ts';
import { type LeaderTimes, leaderPresets } from './leader-election.ts';

/** What the program was asked for, from its command line and its VIRT_PLATFORM_… variables; the line wins. */
export type ProgramOptions = {
  /** Path; absent: the pod's ServiceAccount, else what kubectl would take. */
  readonly kubeconfig?: string;
  /** HyperConverged's; discovered when absent. */
  readonly namespace?: string;
  readonly leaderElect: boolean;
  /** The preset's, but for those given one by one. */
  readonly leaderTimes: LeaderTimes;
  readonly observe: boolean;
  /** `HOST:PORT`, `:PORT`, or `0` for none. */
  readonly metricsBindAddress: string;
  readonly healthProbeBindAddress: string;
  readonly debugBindAddress: string;
  readonly concurrency: number;
  readonly resyncPeriodMs: number;
  readonly logLevel: 'error' | 'warn' | 'info' | 'debug';
  readonly logFormat: 'json' | 'text';
  /** A folder; the built-in catalog when absent. */
  readonly catalog?: string;
  readonly version: boolean;
  readonly help: boolean;
};

/** A command line that can't be understood: one line for people. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** @throws UsageError naming the option, the value given and what is allowed. */
export function parseProgramOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ProgramOptions {
  const given = { ...fromEnvironment(env), ...fromArguments(args) };
  const text = (name: OptionName) => given[name] ?? '';
  const optional = (name: OptionName) => (text(name) === '' ? undefined : text(name));
  const { kubeconfig, namespace, catalog } = {
    kubeconfig: optional('kubeconfig'),
    namespace: optional('namespace'),
    catalog: optional('catalog'),
  };
  return {
    ...(kubeconfig !== undefined && { kubeconfig }),
    ...(namespace !== undefined && { namespace }),
    ...(catalog !== undefined && { catalog }),
    leaderElect: isOn('leader-elect', given),
    leaderTimes: leaderTimes(given),
    observe: isOn('observe', given),
    metricsBindAddress: address('metrics-bind-address', given),
    healthProbeBindAddress: address('health-probe-bind-address', given),
    debugBindAddress: address('debug-bind-address', given),
    concurrency: wholeNumber('concurrency', given, 1, 64),
    resyncPeriodMs: duration('resync-period', given),
    logLevel: oneOf('log-level', given, ['error', 'warn', 'info', 'debug']),
    logFormat: oneOf('log-format', given, ['json', 'text']),
    version: isOn('version', given),
    help: isOn('help', given),
  };
}

/** What `--help` prints. */
export function programHelp(): string {
  const rows = optionNames.map((name) => {
    const { value, description, initial }: Option = options[name];
    const left = `  --${name}${value === undefined ? '' : `=${value}`}`;
    return `${left.padEnd(42)}${description}${initial === '' ? '' : ` (default ${initial})`}`;
  });
  return `Keeps the virtualization platform around KubeVirt at its baseline.

Usage:
  virt-platform-controller [flags]

Flags, each also as an environment variable (--log-level is VIRT_PLATFORM_LOG_LEVEL):
${rows.join('\n')}
`;
}

type Option = {
  /** What the value is, in help; absent for a switch. */
  readonly value?: string;
  readonly initial: string;
  readonly description: string;
};

const options = {
  kubeconfig: { value: 'FILE', initial: '', description: "The kubeconfig to use, instead of the pod's ServiceAccount" },
  namespace: { value: 'NAME', initial: '', description: "HyperConverged's namespace, instead of finding it" },
  'leader-elect': { initial: 'true', description: 'Writes only while it leads, so that replicas can wait' },
  'leader-elect-preset': {
    value: 'openshift|default',
    initial: 'default',
    description: 'How long a leader may be silent',
  },
  'leader-elect-lease-duration': {
    value: 'TIME',
    initial: '',
    description: "After so much silence another may lead, instead of the preset's",
  },
  'leader-elect-renew-deadline': {
    value: 'TIME',
    initial: '',
    description: "After so long without a renewal a leader writes no more, instead of the preset's",
  },
  'leader-elect-retry-period': {
    value: 'TIME',
    initial: '',
    description: "Between two renewals of the Lease, instead of the preset's",
  },
  observe: { initial: 'false', description: 'Plans, reports and alerts, and changes nothing' },
  'metrics-bind-address': { value: 'ADDRESS', initial: ':8080', description: 'Where metrics are served; 0: nowhere' },
  'health-probe-bind-address': {
    value: 'ADDRESS',
    initial: ':8082',
    description: 'Where probes are served; 0: nowhere',
  },
  'debug-bind-address': {
    value: 'ADDRESS',
    initial: '127.0.0.1:8081',
    description: 'Where the plan can be looked at; 0: nowhere',
  },
  concurrency: { value: 'N', initial: '4', description: 'Objects that are written at a time' },
  'resync-period': { value: 'TIME', initial: '5m', description: 'Plans at least so often: 30s, 5m, 1h' },
  'log-level': { value: 'LEVEL', initial: 'info', description: 'error, warn, info or debug' },
  'log-format': { value: 'json|text', initial: 'json', description: 'How a log line looks' },
  catalog: { value: 'DIR', initial: '', description: 'Another catalog of assets than the built-in one' },
  version: { initial: 'false', description: 'Prints the version and ends' },
  help: { initial: 'false', description: 'Prints this and ends' },
} as const satisfies Record<string, Option>;

type OptionName = keyof typeof options;
type Given = Partial<Record<OptionName, string>>;

const optionNames = Object.keys(options) as OptionName[];

function fromEnvironment(env: Readonly<Record<string, string | undefined>>): Given {
  return Object.fromEntries(
    optionNames.flatMap((name) => {
      const value = env[`VIRT_PLATFORM_${name.toUpperCase().replaceAll('-', '_')}`];
      return value === undefined || value === '' ? [] : [[name, value]];
    }),
  );
}

function fromArguments(args: readonly string[]): Given {
  const { tokens, positionals } = parseArgs({
    args: [...args],
    strict: false,
    tokens: true,
    options: Object.fromEntries(
      optionNames.map((name) => [name, { type: isSwitch(name) ? ('boolean' as const) : ('string' as const) }]),
    ),
  });
  if (positionals[0] !== undefined) {
    throw new UsageError(
      `${JSON.stringify(positionals[0])} is no flag, and the program takes nothing else; see --help`,
    );
  }
  const given: Given = {};
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const name = optionNames.find((known) => known === token.name);
    if (name === undefined) {
      const nearest = nearestName(token.name, optionNames);
      throw new UsageError(
        `the flag ${token.rawName} isn't known${nearest === undefined ? '; see --help' : `; did you mean --${nearest}?`}`,
      );
    }
    if (token.value === undefined && !isSwitch(name)) throw new UsageError(`--${name} has no value; see --help`);
    given[name] = token.value ?? 'true';
  }
  return given;
}

function isSwitch(name: OptionName): boolean {
  return !('value' in options[name]);
}

function valueFor(name: OptionName, given: Given): string {
  return given[name] ?? options[name].initial;
}

function isOn(name: OptionName, given: Given): boolean {
  return oneOf(name, given, ['true', 'false']) === 'true';
}

function oneOf<Value extends string>(name: OptionName, given: Given, allowed: readonly Value[]): Value {
  const value = valueFor(name, given);
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined) throw refused(name, value, `it is one of ${allowed.join(', ')}`);
  return found;
}

function wholeNumber(name: OptionName, given: Given, least: number, most: number): number {
  const value = valueFor(name, given);
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= least && number <= most)) throw refused(name, value, `it is a whole number from ${least} to ${most}`);
  return number;
}

function duration(name: OptionName, given: Given): number {
  const value = valueFor(name, given);
  const [, amount, unit] = /^(\d{1,6})(s|m|h)$/.exec(value) ?? [];
  const ms = Number(amount) * ({ s: 1000, m: 60_000, h: 3_600_000 }[unit ?? ''] ?? Number.NaN);
  if (!(ms >= 1000 && ms <= 24 * 3_600_000)) throw refused(name, value, 'it is a time from 1s to 24h, as in 30s or 5m');
  return ms;
}

/** @throws UsageError where they would let two lead at once, or nobody for long. */
function leaderTimes(given: Given): LeaderTimes {
  const preset = leaderPresets[oneOf('leader-elect-preset', given, ['openshift', 'default'])];
  const time = (name: OptionName, ofPreset: number) =>
    valueFor(name, given) === '' ? ofPreset : duration(name, given);
  const leaseDurationMs = time('leader-elect-lease-duration', preset.leaseDurationMs);
  const renewDeadlineMs = time('leader-elect-renew-deadline', preset.renewDeadlineMs);
  const retryPeriodMs = time('leader-elect-retry-period', preset.retryPeriodMs);
  if (retryPeriodMs < renewDeadlineMs && renewDeadlineMs < leaseDurationMs)
    return { leaseDurationMs, renewDeadlineMs, retryPeriodMs };
  const [retry, deadline, lease] = [retryPeriodMs, renewDeadlineMs, leaseDurationMs].map((ms) => `${ms / 1000}s`);
  throw new UsageError(
    `--leader-elect-retry-period (${retry}) must be shorter than --leader-elect-renew-deadline (${deadline}), ` +
      `and that shorter than --leader-elect-lease-duration (${lease})`,
  );
}

function address(name: OptionName, given: Given): string {
  const value = valueFor(name, given);
  const isAddress = value === '0' || /^(\[[0-9a-fA-F:]+\]|[^\s:[\]]*):\d{1,5}$/.test(value);
  if (!isAddress) throw refused(name, value, 'it is :PORT, HOST:PORT, or 0 for none');
  return value;
}

function refused(name: OptionName, value: string, allowed: string): UsageError {
  return new UsageError(`--${name}=${value} isn't allowed: ${allowed}`);
}
