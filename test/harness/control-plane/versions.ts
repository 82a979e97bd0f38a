/** The Kubernetes that tests, demo and benchmarks run on; its staging modules carry the same minor and patch as v0. */
export const kubernetesVersion = 'v1.36.3';

/** What a control plane is made of, by file name. */
export const binaryNames = ['etcd', 'kube-apiserver', 'kubectl'] as const;
