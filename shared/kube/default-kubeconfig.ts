import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * The kubeconfig that counts when nobody names one: `.kube/config` in `$HOME`, which without `$HOME` is the folder we
 * are in; on Windows that of the first home folder which has one. As in kubectl, an account's home that no variable
 * names doesn't count.
 *
 * @see https://pkg.go.dev/k8s.io/client-go/util/homedir
 */
export function defaultKubeconfig(
  env: Readonly<Record<string, string | undefined>>,
  { isWindows = delimiter === ';' }: { isWindows?: boolean } = {},
): string {
  const { HOME, HOMEDRIVE, HOMEPATH, USERPROFILE } = env;
  const homes = isWindows ? [HOME, HOMEDRIVE && HOMEPATH && HOMEDRIVE + HOMEPATH, USERPROFILE] : [HOME];
  const files = homes.flatMap((home) => (home ? [join(home, '.kube', 'config')] : []));
  return files.find((file) => existsSync(file)) ?? files[0] ?? join('.kube', 'config');
}
