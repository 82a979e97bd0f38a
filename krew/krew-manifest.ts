import type { Json } from '../shared/api/kubernetes-object.ts';
import { printYaml } from '../shared/yaml/print-yaml.ts';

/** The name under which krew installs it; its manifest is this with `.yaml`. */
export const pluginName = 'virt-platform';

/** An archive of the plugin for one platform. */
export type PluginArchive = {
  /** Go's names, as krew's. */
  readonly os: string;
  readonly arch: string;
  /** Its file name. */
  readonly file: string;
  /** Of the file; 64 hexadecimal digits. */
  readonly sha256: string;
  /** The plugin's name in the archive. */
  readonly executable: string;
  /** Everything in the archive. */
  readonly files: readonly string[];
};

/**
 * The manifest that krew's index holds of the plugin.
 *
 * @param version - without `v`; a release of that tag has the archives
 * @see https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/
 */
export function krewManifest(
  archives: readonly PluginArchive[],
  { version, homepage }: { readonly version: string; readonly homepage: string },
): string {
  const manifest: Json = {
    apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
    kind: 'Plugin',
    metadata: { name: pluginName },
    spec: {
      version: `v${version}`,
      homepage,
      shortDescription: 'Keep a KubeVirt platform at its baseline',
      description: [
        'Compares the virtualization platform around KubeVirt with one opinionated baseline:',
        'kernel and kubelet settings, descheduling, monitoring, remediation, operators.',
        'Says for every object what would change and why, who set each field that differs,',
        'and which deviations you asked for. Makes those deviations for you, as annotations.',
        '',
        'It works on a cluster with HyperConverged, or on files without any cluster.',
        '',
      ].join('\n'),
      // krew makes one link, and completion takes a second program. Small images of Linux lack libatomic.
      caveats: [
        'For completion of commands and names in your shell: kubectl virt-platform completion install',
        'On Linux it needs glibc 2.28 or newer, libstdc++ and libatomic (package libatomic1, or libatomic).',
        '',
      ].join('\n'),
      platforms: archives.map(({ os, arch, file, sha256, executable, files }) => ({
        selector: { matchLabels: { os, arch } },
        uri: `${homepage}/releases/download/v${version}/${file}`,
        sha256,
        bin: executable,
        files: files.map((name) => ({ from: name, to: '.' })),
      })),
    },
  };
  return printYaml(manifest);
}
