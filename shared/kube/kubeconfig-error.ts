/** A kubeconfig that can't be used: what, where, and what to do, in one line. */
export class KubeconfigError extends Error {
  override readonly name = 'KubeconfigError';
}
