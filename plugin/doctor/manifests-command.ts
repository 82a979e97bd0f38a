import packageJson from '../../package.json' with { type: 'json' };
import { usualNamespaces } from '../../shared/api/names.ts';
import { buildInfo } from '../build-info.ts';

/** The command that installs or repairs the controller and its permissions, in the files of the plugin's version. */
export function manifestsCommand(namespace: string | undefined, kubectl: string): string {
  const overlay = namespace === usualNamespaces.kubernetes ? 'kubernetes' : 'openshift';
  return `${kubectl} apply --server-side -k controller/manifests/overlays/${overlay}`;
}

/** Where these files are. */
export const manifestsNote = `in the files of ${buildInfo().gitVersion} of ${packageJson.homepage}`;
