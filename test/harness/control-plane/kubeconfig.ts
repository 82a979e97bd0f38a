import { stringify } from 'yaml';
import type { KeyPair } from './certificate-authority.ts';

/** A kubeconfig with one cluster, one user and the context that joins them; complete in itself, no paths. */
export function kubeconfig({
  url,
  certificateAuthority,
  user,
  credentials,
}: {
  url: string;
  /** PEM. */
  certificateAuthority: string;
  user: string;
  credentials: { token: string } | KeyPair;
}): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        { name: 'virt-platform', cluster: { server: url, 'certificate-authority-data': base64(certificateAuthority) } },
      ],
      users: [
        {
          name: user,
          user:
            'token' in credentials
              ? { token: credentials.token }
              : {
                  'client-certificate-data': base64(credentials.certificate),
                  'client-key-data': base64(credentials.key),
                },
        },
      ],
      contexts: [{ name: user, context: { cluster: 'virt-platform', user } }],
      'current-context': user,
    },
    { lineWidth: 0 },
  );
}
