import type { Catalog } from '../../shared/catalog/asset.ts';
import type { Plan } from '../../shared/engine/plan-item.ts';
import type { Snapshot } from '../../shared/engine/snapshot.ts';

/** What the servers look at: the controller as it is at the moment of a request. */
export type View = {
  readonly catalog: Catalog;
  /** The last finished plan; none yet. */
  readonly plan: () => Plan | undefined;
  /** What it was made from. */
  readonly snapshot: () => Snapshot | undefined;
  /** Of the controller, in the words of `status -o json`. */
  readonly controller: () => ControllerView;
  /** Whether the process is of use at all; whoever asks restarts it when one fails. */
  readonly live: readonly HealthCheck[];
  /** Whether it does its work. */
  readonly ready: readonly HealthCheck[];
  readonly metrics: { readonly contentType: string; readonly text: () => Promise<string> };
};

/** What only the controller itself can tell of it; the plugin finds the same on the Lease. */
export type ControllerView = {
  readonly state: 'found';
  /** The identity that leads; null when nobody is known to. */
  readonly holder: string | null;
  readonly renewTime: string | null;
  readonly lastPass: string | null;
  readonly version: string | null;
  readonly catalogDigest: string | null;
};

export type HealthCheck = {
  /** As in `caches-synced`. */
  readonly name: string;
  /** Undefined when all is well, otherwise what isn't, in one line. Quick, and without requests. */
  readonly problem: () => string | undefined;
};
