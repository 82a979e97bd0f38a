import type { Command } from '../command.ts';
import { catalogOf, catalogOption } from '../input/catalog.ts';
import { chosenItems, nothingChosen, selectorOption } from '../input/chosen-items.ts';
import { factOptions } from '../input/forced-facts.ts';
import { filesOptions, observed } from '../input/observed.ts';
import { activationCommand } from '../output/activation-command.ts';
import { assetMetadata } from '../output/asset-metadata.ts';
import { escapeText } from '../output/escape.ts';
import { messagesTo } from '../output/messages.ts';
import { printDocuments, resourceName, safeJson, safeYaml } from '../output/print-manifests.ts';
import { leftOutNotes, manifestOf } from '../output/rendered.ts';
import { UserError } from '../user-error.ts';

export const render: Command = {
  usage: 'render [ASSET…] [flags]',
  words: [{ of: 'asset', many: true }],
  description: `Prints the manifests as they should be, overrides included, in the order in which they are applied. What is not
wanted here, or must not be written, is left out and noted on stderr.

With -f it works on files instead of a cluster: a HyperConverged, and whatever else is at hand (nodes, CRDs,
Infrastructure…). Without CRDs all are taken as installed.`,
  examples: [
    {
      text: 'Apply the baseline by hand, as the autopilot would',
      words: 'render | kubectl apply --server-side --field-manager virt-platform-autopilot --force-conflicts -f -',
    },
    { text: 'What a cluster with GPUs would get', words: 'render -f hyperconverged.yaml --force-gpu' },
    { text: 'Is my own catalog right?', words: 'render --catalog my-assets/ --check' },
    { text: 'One asset, without a cluster', words: 'render swap-enable -f hyperconverged.yaml' },
  ],
  connects: true,
  options: [
    {
      name: 'output',
      short: 'o',
      type: 'text',
      choices: ['yaml', 'json', 'name'],
      description: 'The format; default yaml',
    },
    {
      name: 'baseline',
      type: 'switch',
      description: 'As it would be without the overrides on the live objects',
    },
    {
      name: 'metadata',
      type: 'switch',
      description: 'What assets say of themselves, and how their conditions came out, instead of manifests',
    },
    {
      name: 'check',
      type: 'switch',
      description: 'Only checks the catalog, without a cluster or files: every mistake, each with file and line',
    },
    { name: 'show-excluded', type: 'switch', description: 'Lists on stderr each that is left out, and why' },
    selectorOption,
    ...filesOptions,
    ...factOptions,
    catalogOption,
  ],
  run: async (args, environment) => {
    const { stdout, stderr } = environment;
    const messages = messagesTo(stderr);
    if (args.isOn('check')) {
      if (args.words.length > 0 || args.given('filename')) {
        throw new UserError('--check is about a whole catalog: leave out names of assets and -f');
      }
      const { assets, tombstones, digest } = await catalogOf(args, environment);
      const name = args.text('catalog') ?? 'the built-in catalog';
      stdout.write(
        escapeText(
          `${name}: no mistakes in ${counted(assets, 'asset')} and ${counted(tombstones, 'tombstone')} (${digest})`,
        ).concat('\n'),
      );
      return 0;
    }
    const { plan, snapshot, catalog, kubectl } = await observed(args, environment, messages);
    const assets = plan.items.filter(({ type }) => type === 'asset');
    const items = chosenItems(assets, args, snapshot);
    for (const warning of plan.warnings) messages.warn(warning);
    if (items.length === 0) messages.note(nothingChosen(args));

    if (args.isOn('metadata')) {
      const metadata = items.flatMap((item) => assetMetadata(item, catalog) ?? []);
      if (args.text('output') === 'json') stdout.write(safeJson({ kind: 'List', items: metadata }));
      else if (args.text('output') === 'name')
        stdout.write(metadata.map(({ asset }) => `${escapeText(asset)}\n`).join(''));
      else stdout.write(metadata.map((one) => safeYaml(one)).join('---\n'));
      return 0;
    }

    const rendered = items.map((item) => ({ item, manifest: manifestOf(item, { baseline: args.isOn('baseline') }) }));
    const manifests = rendered.flatMap(({ manifest }) => manifest ?? []);
    const leftOut = rendered.filter(({ manifest }) => manifest === undefined).map(({ item }) => item);
    const activation =
      plan.activation.state === 'inactive'
        ? `; activate it with: ${activationCommand(plan.hyperConverged, kubectl)}`
        : '';
    // Of what was named itself, not as part of a feature or group, a manifest is expected.
    const missed = leftOut.find(
      ({ asset, features, group = '' }) =>
        args.words.includes(asset) || ![...features, group].some((name) => args.words.includes(name)),
    );
    if (missed !== undefined && args.words.length > 0) {
      throw new UserError(`${missed.asset} is left out (${missed.decision}): ${missed.why}${activation}`);
    }
    if (plan.activation.state === 'inactive') {
      messages.note(`nothing is rendered, since the autopilot is inactive: ${plan.activation.why}${activation}`);
    } else {
      for (const note of leftOutNotes(items, leftOut, {
        all: args.isOn('show-excluded') || args.text('v') !== undefined,
      }))
        messages.note(note);
    }

    switch (args.text('output')) {
      case 'json':
        stdout.write(safeJson({ apiVersion: 'v1', kind: 'List', items: manifests }));
        break;
      case 'name':
        stdout.write(
          manifests
            .map(({ apiVersion, kind, metadata: { name } }) => `${resourceName({ apiVersion, kind, name })}\n`)
            .join(''),
        );
        break;
      default:
        stdout.write(printDocuments(manifests));
    }
    return 0;
  },
};

function counted(list: readonly unknown[], what: string): string {
  return `${list.length} ${what}${list.length === 1 ? '' : 's'}`;
}
