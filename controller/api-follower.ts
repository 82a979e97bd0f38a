import type { Apis } from '../shared/engine/snapshot.ts';
import type { Cluster } from '../shared/kube/client.ts';
import type { Clock } from '../shared/kube/clock.ts';
import { type Watch, watchObjects } from '../shared/kube/watch.ts';
import type { Happening } from './happening.ts';
import { projectCrd, ServedApis } from './served-apis.ts';

export type ApiFollowerOptions = {
  readonly clock: Clock;
  readonly stopping: AbortSignal;
  readonly onApis: (apis: Apis) => void;
  readonly tell: (happening: Happening) => void;
};

/** Follows what the API server serves: its CRDs at once, the rest by discovery. */
export class ApiFollower {
  readonly #cluster: Cluster;
  readonly #options: ApiFollowerOptions;
  readonly #served = new ServedApis();
  #crds: Watch | undefined;
  #isDiscovering = false;

  constructor(cluster: Cluster, options: ApiFollowerOptions) {
    this.#cluster = cluster;
    this.#options = options;
  }

  /** The watch of CRDs, once there is one. */
  get watch(): Watch | undefined {
    return this.#crds;
  }

  /** Begins; resolves when discovery was answered for the first time. */
  async start(): Promise<void> {
    const { stopping, tell } = this.#options;
    await this.#discover();
    this.#crds = watchObjects(this.#cluster, crdTarget, {
      project: projectCrd,
      onChange: () => this.#crdsChanged(),
      onState: () => this.#crdsChanged(),
      signal: stopping,
      onError: (error: unknown) => tell({ happening: 'trouble', what: 'watching CRDs', error }),
    });
  }

  async stop(): Promise<void> {
    await this.#crds?.stop();
  }

  /** Asks what is served besides CRDs, and so that the client finds their paths. */
  async #discover(): Promise<void> {
    const { stopping, tell } = this.#options;
    for (let failures = 0; !stopping.aborted; failures++) {
      try {
        this.#served.discovered = (await this.#cluster.discover({ signal: stopping })).resources;
        return;
      } catch (error) {
        if (stopping.aborted) return;
        tell({ happening: 'trouble', what: 'asking what the API server serves', error });
        await this.#wait(failures);
      }
    }
  }

  /** Half a second at first, then ever longer, with jitter. */
  async #wait(failures: number): Promise<void> {
    const { clock, stopping } = this.#options;
    const ms = Math.min(30_000, 500 * 2 ** Math.min(failures, 10)) * (0.5 + 0.5 * clock.random());
    await clock.sleep(ms, stopping).catch(() => {});
  }

  /** What is served is known from the CRDs at once; discovery is asked until it has come as far. */
  #crdsChanged(): void {
    const { onApis } = this.#options;
    const { phase } = this.#crds?.state ?? {};
    // Not complete yet: nothing is known to be gone.
    if (phase !== 'synced' && phase !== 'forbidden') return;
    if (phase === 'synced') this.#served.crds = [...(this.#crds?.items.values() ?? [])];
    onApis({ known: true, resources: this.#served.resources });
    if (phase === 'forbidden' || this.#served.isConsistent || this.#isDiscovering) return;
    void this.#catchUp();
  }

  async #catchUp(): Promise<void> {
    const { stopping, onApis } = this.#options;
    this.#isDiscovering = true;
    for (let tries = 0; !this.#served.isConsistent && !stopping.aborted; tries++) {
      if (tries > 0) await this.#wait(tries - 4);
      await this.#discover();
      onApis({ known: true, resources: this.#served.resources });
    }
    // In the same breath as the last look: a CRD that changes now is looked for anew.
    this.#isDiscovering = false;
  }
}

const crdTarget = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' };
