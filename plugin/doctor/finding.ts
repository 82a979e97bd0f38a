import type { Cluster, ServerVersion } from '../../shared/kube/client.ts';
import type { Seen } from '../input/observed.ts';

/** What every check may find: that it couldn't look. */
export const notCheckedId = 'not-checked';

/** `error`: something isn't kept as it should be; `warning`: it soon won't be, or people should know; `info`: the rest. */
export type Severity = 'error' | 'warning' | 'info';

/** Something that the doctor found. */
export type Finding = {
  /** Which kind of trouble; stable, for scripts. */
  readonly id: string;
  readonly severity: Severity;
  readonly what: string;
  /** The object that it is about, as `KIND/NAME` or `KIND/NAMESPACE/NAME`, or another place. */
  readonly where: string;
  /** A command that puts it right; where none can, one that shows more. */
  readonly fix: string;
  /** What to know before the command is run. */
  readonly note?: string;
};

/** What the checks go by. */
export type Examined = Seen & {
  readonly cluster: Cluster;
  readonly server: ServerVersion;
  /** `kubectl` for somebody who administers the cluster. */
  readonly adminKubectl: string;
  /** Who asks, as the API server knows them. */
  readonly user: string;
  /** Of HyperConverged, beside which the controller runs; absent where there is none, or it can't be read. */
  readonly namespace: string | undefined;
  readonly now: Date;
};

/** One check: a file in `checks/`. */
export type Check<Id extends string = string> = {
  /** What it looks at, as in "not checked: the webhooks that concern our kinds". */
  readonly about: string;
  /** Everything that it may find. */
  readonly finds: Readonly<Record<Id, { readonly severity: Severity; readonly means: string }>>;
  /** Trouble with one request (no permission, a server that fails) is thrown, and told as not checked. */
  readonly run: (examined: Examined) => Promise<readonly Found<Id>[]> | readonly Found<Id>[];
};

/** A finding of one check; its severity is that of its id unless it says another. */
export type Found<Id extends string> = Omit<Finding, 'id' | 'severity'> & {
  readonly id: Id | typeof notCheckedId;
  readonly severity?: Severity;
};

/** A check whose ids are those that it declares. */
export function check<const Id extends string>(checks: Check<Id>): Check<Id> {
  return checks;
}
