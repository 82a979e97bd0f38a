import type { Option } from './command.ts';

/** Options that every command takes. */
export const everywhere: readonly Option[] = [
  {
    name: 'color',
    type: 'text',
    choices: ['auto', 'always', 'never'],
    description: 'Colours in the output; auto: on a terminal, unless NO_COLOR is set',
  },
  {
    name: 'v',
    short: 'v',
    type: 'text',
    placeholder: 'LEVEL',
    description: 'Says more; errors come with where they arose',
  },
  { name: 'help', short: 'h', type: 'switch', description: 'Help about this command' },
];

/** Options of what talks to a cluster, with kubectl's names and meaning. */
export const connection: readonly Option[] = [
  { name: 'kubeconfig', type: 'text', placeholder: 'FILE', description: 'The kubeconfig to use' },
  {
    name: 'context',
    type: 'text',
    placeholder: 'NAME',
    of: 'context',
    description: 'The context of the kubeconfig to use',
  },
  {
    name: 'cluster',
    type: 'text',
    placeholder: 'NAME',
    of: 'cluster',
    description: 'The cluster of the kubeconfig to use',
  },
  { name: 'user', type: 'text', placeholder: 'NAME', of: 'user', description: 'The user of the kubeconfig to use' },
  { name: 'server', short: 's', type: 'text', placeholder: 'URL', description: "The API server's address" },
  { name: 'token', type: 'text', placeholder: 'TOKEN', description: 'Bearer token for the API server' },
  {
    name: 'tls-server-name',
    type: 'text',
    placeholder: 'NAME',
    description: "The name to expect in the server's certificate",
  },
  {
    name: 'insecure-skip-tls-verify',
    type: 'switch',
    description: "Doesn't check the server's certificate: anybody may read and change what is sent",
  },
  {
    name: 'certificate-authority',
    type: 'text',
    placeholder: 'FILE',
    description: "Certificates that the server's is checked with",
  },
  { name: 'as', type: 'text', placeholder: 'USER', description: 'User to act as' },
  { name: 'as-group', type: 'texts', placeholder: 'GROUP', description: 'Group to act as; may be given several times' },
  { name: 'as-uid', type: 'text', placeholder: 'UID', description: 'UID to act as' },
  {
    name: 'namespace',
    short: 'n',
    type: 'text',
    placeholder: 'NAME',
    of: 'namespace',
    description: 'Only objects in this namespace',
  },
  {
    name: 'all-namespaces',
    short: 'A',
    type: 'switch',
    description: 'Everything that is managed, wherever it is: the default',
  },
  {
    name: 'request-timeout',
    type: 'text',
    placeholder: 'TIME',
    description: 'How long one request may take: 5, 1s, 2m; 0: as long as it takes',
  },
];
