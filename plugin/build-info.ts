import packageJson from '../package.json' with { type: 'json' };

/** What this plugin was built from. */
export type BuildInfo = {
  /** With `v`, as kubectl's `gitVersion`. */
  readonly gitVersion: string;
  readonly gitCommit: string;
  /** RFC 3339, or empty for sources that run as they are. */
  readonly buildDate: string;
};

// Packaging defines it; sources that run from a checkout have none.
declare const VIRT_PLATFORM_BUILD: BuildInfo | undefined;

export function buildInfo(): BuildInfo {
  return typeof VIRT_PLATFORM_BUILD === 'undefined'
    ? { gitVersion: `v${packageJson.version}`, gitCommit: 'checkout', buildDate: '' }
    : VIRT_PLATFORM_BUILD;
}

/** `linux/amd64`: Go's names, as kubectl and krew use them. */
export function goPlatform({ platform, arch }: { readonly platform: string; readonly arch: string }): string {
  return `${goNames[platform] ?? platform}/${goNames[arch] ?? arch}`;
}

const goNames: Readonly<Record<string, string>> = { win32: 'windows', x64: 'amd64', ia32: '386' };
