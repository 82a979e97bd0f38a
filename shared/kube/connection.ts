import type { ExecProgram } from './exec-program.ts';

/** Everything needed to talk to one API server as one user. Plain data: files named in it are read when it is used. */
export type Connection = {
  /** With scheme, and the path prefix if the server has one (`https://host/k8s/clusters/c-1`). */
  readonly server: string;
  /** The namespace that commands without `-n` mean. */
  readonly namespace: string;
  /** For messages; absent in a pod, or where everything came from flags. */
  readonly context?: string;
  readonly user?: string;
  readonly tls: TlsSettings;
  readonly credentials: Credentials;
  readonly impersonate?: Impersonation;
  /** URL of the proxy that every request goes through: `http`, `https` or `socks5`, perhaps with name and password. */
  readonly proxy?: string;
};

export type TlsSettings = {
  /** Whom to trust; absent: what the operating system and Node trust. */
  readonly ca?: Material;
  readonly serverName?: string;
  readonly insecure: boolean;
};

/** PEM, or the absolute path of a file that holds it. */
export type Material = { readonly data: string } | { readonly file: string };

export type Credentials = {
  readonly cert?: Material;
  readonly key?: Material;
  readonly token?: string;
  /** Wins over `token`, and is read again as time passes: such tokens are short-lived. */
  readonly tokenFile?: string;
  readonly basic?: { readonly username: string; readonly password: string };
  /** The token of the legacy `auth-provider` named `oidc`, good until the date it carries. */
  readonly idToken?: string;
  /** A program that gives the credentials. */
  readonly exec?: ExecProgram;
};

export type Impersonation = {
  readonly user: string;
  readonly groups: readonly string[];
  readonly uid?: string;
  readonly extra: Readonly<Record<string, readonly string[]>>;
};
