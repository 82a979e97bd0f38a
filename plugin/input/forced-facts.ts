import { contextNames } from '../../shared/catalog/context-names.ts';
import type { Arguments } from '../arguments.ts';
import type { Option } from '../command.ts';
import { didYouMean } from '../did-you-mean.ts';
import { UserError } from '../user-error.ts';

/** `--force-gpu` is `--fact hardware.gpuPresent=true`. */
const shorthands: Readonly<Record<string, string>> = {
  pci: 'hardware.pciDevicesPresent',
  numa: 'hardware.numaNodesPresent',
  vfio: 'hardware.vfioCapable',
  usb: 'hardware.usbDevicesPresent',
  gpu: 'hardware.gpuPresent',
};

export const factOptions: readonly Option[] = [
  {
    name: 'fact',
    type: 'texts',
    placeholder: 'NAME=VALUE',
    of: 'fact',
    description:
      'Takes a fact for granted, as in topology.isCompact=true or images.NAME=REF; may be given several times',
  },
  ...Object.entries(shorthands).map(
    ([name, fact]): Option => ({
      name: `force-${name}`,
      type: 'switch',
      description: `The same as --fact ${fact}=true`,
    }),
  ),
];

/**
 * The facts that a person takes for granted, by dotted path.
 *
 * @throws UserError for a name that is no fact, or a value of another type.
 */
export function forcedFacts(args: Arguments): Readonly<Record<string, boolean | number | string>> {
  const short = Object.entries(shorthands)
    .filter(([name]) => args.given(`force-${name}`))
    .map(([name, fact]) => [fact, args.isOn(`force-${name}`)] as const);
  return Object.fromEntries([...short, ...args.texts('fact').map(parseFact)]);
}

/** The facts that have a name of their own; images have theirs besides. */
export function factNames(): readonly string[] {
  return (['hardware', 'topology'] as const).flatMap((group) =>
    [...contextNames[group]].map((fact) => `${group}.${fact}`),
  );
}

function parseFact(text: string): readonly [string, boolean | number | string] {
  const equals = text.indexOf('=');
  if (equals === -1)
    throw new UserError(`--fact ${text} has no value: it is NAME=VALUE, as in hardware.gpuPresent=true`);
  const name = text.slice(0, equals);
  const value = text.slice(equals + 1);
  if (/^images\.[a-z0-9-]+$/.test(name)) return [name, value];
  const known = factNames();
  if (!known.includes(name)) {
    const hint = didYouMean(name, known) || `known are images.NAME, ${known.join(', ')}`;
    throw new UserError(`--fact ${name} is no fact: ${hint}`);
  }
  return [name, typed(name, value)];
}

function typed(name: string, value: string): boolean | number | string {
  if (name === 'topology.controlPlaneTopology' || name === 'topology.cloudProvider') return value;
  if (name.endsWith('Count')) {
    if (/^\d{1,9}$/.test(value)) return Number(value);
    throw new UserError(`--fact ${name}=${value} is no number`);
  }
  if (value === 'true' || value === 'false') return value === 'true';
  throw new UserError(`--fact ${name}=${value} is neither true nor false`);
}
