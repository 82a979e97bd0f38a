import { type BuildInfo, buildInfo, goPlatform } from '../build-info.ts';
import type { Command } from '../command.ts';
import type { Environment } from '../environment.ts';
import { catalogOf, catalogOption } from '../input/catalog.ts';
import { connect } from '../input/connect.ts';
import { type ControllerHealth, catalogSkew, formatControllerHealth } from '../input/controller-health.ts';
import { findController } from '../input/find-controller.ts';
import { serverSupport, supportedMinors } from '../input/server-support.ts';
import { escapeText } from '../output/escape.ts';
import { messagesTo } from '../output/messages.ts';
import { safeJson, safeYaml } from '../output/print-manifests.ts';
import { UserError } from '../user-error.ts';

export const version: Command = {
  usage: 'version [flags]',
  description: 'Shows the versions of this plugin, its catalog, the controller in the cluster, and the API server.',
  examples: [
    { text: 'All of them', words: 'version' },
    { text: 'Only what is on this machine', words: 'version --client' },
  ],
  connects: true,
  options: [
    { name: 'client', type: 'switch', description: 'Only the plugin and its catalog, without asking the cluster' },
    { name: 'output', short: 'o', type: 'text', choices: ['json', 'yaml'], description: 'Another format' },
    catalogOption,
  ],
  run: async (args, environment) => {
    const { stdout, stderr, now } = environment;
    const messages = messagesTo(stderr);
    const [extra] = args.words;
    if (extra !== undefined)
      throw new UserError(`version takes no "${extra}": it has flags only; see "version --help"`);
    const { digest } = await catalogOf(args, environment);
    const versions: Versions = {
      clientVersion: clientVersion(buildInfo(), environment),
      catalog: { version: buildInfo().gitVersion, digest },
    };
    const print = (all: Versions) => {
      const format = args.text('output');
      if (format === undefined) stdout.write(versionText(all, now()));
      else stdout.write(format === 'json' ? safeJson(all) : safeYaml(all));
    };
    if (args.isOn('client')) {
      print(versions);
      return 0;
    }

    try {
      const cluster = await connect(args, environment, messages);
      try {
        // Either may fail; what is known is printed all the same, as kubectl does.
        const [controller, serverVersion] = await Promise.all([findController(cluster), cluster.version()]);
        print({ ...versions, controller, serverVersion });
        const skew = catalogSkew(controller, digest);
        if (skew !== undefined) messages.warn(skew);
        if (serverSupport(serverVersion) === 'too-old') {
          messages.warn(
            `the API server is ${serverVersion.gitVersion}, and this plugin is made for v1.${supportedMinors.oldest} and newer: what it shows may be wrong`,
          );
        }
      } finally {
        cluster.close();
      }
    } catch (error) {
      print(versions);
      throw error;
    }
    return 0;
  },
};

type Versions = {
  readonly clientVersion: ReturnType<typeof clientVersion>;
  readonly catalog: { readonly version: string; readonly digest: string };
  readonly controller?: ControllerHealth;
  readonly serverVersion?: {
    readonly gitVersion: string;
    readonly major: string;
    readonly minor: string;
    readonly platform: string;
  };
};

/** With kubectl's names, so that what reads those reads these. */
function clientVersion({ gitVersion, gitCommit, buildDate }: BuildInfo, environment: Environment) {
  const [major = '', minor = ''] = gitVersion.slice(1).split('.');
  return { major, minor, gitVersion, gitCommit, buildDate, platform: goPlatform(environment) };
}

function versionText({ clientVersion: client, catalog, controller, serverVersion }: Versions, now: Date): string {
  return [
    `Client Version: ${client.gitVersion}`,
    `Catalog Version: ${catalog.version} (${catalog.digest.slice(0, 'sha256:'.length + 12)})`,
    ...(controller === undefined ? [] : [`Controller: ${formatControllerHealth(controller, now)}`]),
    ...(serverVersion === undefined ? [] : [`Server Version: ${serverVersion.gitVersion}`]),
  ]
    .map((line) => `${escapeText(line)}\n`)
    .join('');
}
