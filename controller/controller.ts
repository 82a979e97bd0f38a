import { leaseAnnotation } from '../shared/api/lease.ts';
import { autopilotName } from '../shared/api/names.ts';
import type { Catalog } from '../shared/catalog/asset.ts';
import { openCluster } from '../shared/kube/client.ts';
import { type Clock, systemClock } from '../shared/kube/clock.ts';
import type { Connection } from '../shared/kube/connection.ts';
import { ControlLoop, type ControlLoopOptions } from './control-loop.ts';
import { type EventLimits, EventRecorder } from './events.ts';
import type { LeaderTimes } from './leader-election.ts';
import type { Log } from './log.ts';
import { logHappenings } from './log-happenings.ts';
import { Metrics } from './metrics.ts';
import { type ServerAddresses, startServers } from './servers/servers.ts';
import type { HealthCheck, View } from './servers/view.ts';

export type ControllerOptions = Omit<ControlLoopOptions, 'leaderElection' | 'leaseAnnotations' | 'clock'> & {
  /** As it is told on the Lease, in metrics and in the User-Agent: `v1.2.3`. */
  readonly version: string;
  /** Names this process in events and on the Lease: the pod's name. */
  readonly instance: string;
  /** Absent: it leads from the start, and keeps no Lease. */
  readonly leaderElection?: { readonly namespace: string; readonly times: LeaderTimes };
  /** Absent: nothing is served. */
  readonly servers?: ServerAddresses;
  /** Absent: nothing is logged. */
  readonly log?: Log;
  readonly eventLimits?: EventLimits;
  /** Time allowed for each request, in milliseconds. Default 30 000. */
  readonly requestTimeoutMs?: number;
  readonly clock?: Clock;
};

/**
 * The whole controller as a library: the loop that keeps the baseline, with its events, metrics, audit log and servers.
 * It reads no environment, prints nothing, and exits nothing.
 *
 * @example
 * const catalog = loadCatalog(await readCatalogFiles('my-catalog'));
 * const connection = loadKubeconfig({ env: process.env });
 * const controller = new Controller(catalog, connection, { version: 'v1.0.0', instance: 'laptop', observe: true });
 * await controller.run(AbortSignal.timeout(60_000));
 */
export class Controller {
  readonly #catalog: Catalog;
  readonly #connection: Connection;
  readonly #options: ControllerOptions;
  #ports: { readonly metrics?: number; readonly healthProbe?: number; readonly debug?: number } = {};

  constructor(catalog: Catalog, connection: Connection, options: ControllerOptions) {
    this.#catalog = catalog;
    this.#connection = connection;
    this.#options = options;
  }

  /** The port of each server that runs, once it does. */
  get ports(): { readonly metrics?: number; readonly healthProbe?: number; readonly debug?: number } {
    return this.#ports;
  }

  /**
   * Runs until the signal. Then it takes no more work, finishes what is being written, hands the lead over, and resolves.
   *
   * @throws BindAddressError where a server can't listen; nothing else that a cluster can do to it ends it.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { version, instance, leaderElection, servers, log, eventLimits, requestTimeoutMs, ...options } =
      this.#options;
    const clock = options.clock ?? systemClock;
    const catalog = this.#catalog;
    const cluster = openCluster(this.#connection, {
      userAgent: `${autopilotName}/${version}`,
      clock,
      ...(requestTimeoutMs !== undefined && { requestTimeoutMs }),
    });
    const events = new EventRecorder(cluster, {
      reportingInstance: instance,
      clock,
      observe: options.observe ?? false,
      readyTimeoutMs: (name) => catalog.assets.find((asset) => asset.name === name)?.readyTimeoutMs,
      protects: (name) => catalog.assets.find((asset) => asset.name === name)?.protects === true,
      onError: (error) => log?.warn('events could not be written', { error }),
      ...(eventLimits !== undefined && { limits: eventLimits }),
    });
    const metrics = new Metrics({
      version,
      catalog,
      date: clock.date,
      observe: options.observe ?? false,
      isLeader: () => loop.state.isLeader,
      events: () => events.counts,
      watches: () => loop.state.watches.map(({ target, state }) => ({ ...target, phase: state.phase })),
      inFlight: () => loop.state.inFlight,
      waiting: () => loop.state.waiting,
      requests: () => cluster.requests,
    });
    const loop = new ControlLoop(cluster, catalog, {
      ...options,
      clock,
      leaseAnnotations: { [leaseAnnotation.version]: version },
      ...(leaderElection !== undefined && {
        // A restarted process must not take itself for the one before it.
        leaderElection: { ...leaderElection, identity: `${instance}_${crypto.randomUUID()}` },
      }),
      listeners: [
        events.listener,
        metrics.listener,
        ...(log === undefined ? [] : [logHappenings(log, catalog)]),
        ...(options.listeners ?? []),
      ],
    });
    const view = viewOf(loop, { catalog, version, metrics, clock });
    const serving = servers === undefined ? undefined : await startServers(view, servers);
    this.#ports = serving?.ports ?? {};
    try {
      await loop.run(signal);
    } finally {
      await events.flush(2000);
      await serving?.close();
      cluster.close();
    }
  }
}

function viewOf(
  loop: ControlLoop,
  { catalog, version, metrics, clock }: { catalog: Catalog; version: string; metrics: Metrics; clock: Clock },
): View {
  const isStuck: HealthCheck = {
    name: 'loop',
    problem: () => {
      const { busySince } = loop.state;
      const ms = busySince === undefined ? 0 : clock.now() - busySince;
      return ms > stuckAfterMs ? `one pass has taken ${Math.round(ms / 1000)} s so far` : undefined;
    },
  };
  const isSynced: HealthCheck = {
    name: 'caches-synced',
    problem: () => {
      const missing = loop.state.watches.filter(
        ({ state }) => state.phase === 'connecting' || state.phase === 'failing',
      );
      const names = missing.map(
        ({ target, state }) =>
          `${target.kind}${target.name === undefined ? '' : `/${target.name}`}: ${state.why ?? state.phase}`,
      );
      if (names.length > 0)
        return `not up to date: ${names.slice(0, 5).join('; ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`;
      return loop.state.hasPlanned ? undefined : 'what there is to watch is not known yet';
    },
  };
  const isHeard: HealthCheck = {
    name: 'watches-heard',
    problem: () => {
      const silent = loop.state.watches.filter(
        ({ state }) => state.phase === 'synced' && clock.now() - state.lastHeardAtMs > silentAfterMs,
      );
      return silent.length === 0 ? undefined : `nothing was heard of ${silent.length} watches for too long`;
    },
  };
  const isLeaseAnswered: HealthCheck = { name: 'lease', problem: () => loop.state.leaseTrouble };
  return {
    catalog,
    plan: () => loop.state.plan,
    snapshot: () => loop.state.snapshot,
    controller: () => {
      const { holder, passedAt, plan, snapshot } = loop.state;
      return {
        state: 'found',
        holder: holder ?? null,
        renewTime: null,
        leaseDurationSeconds: null,
        lastPass: passedAt === undefined ? null : new Date(passedAt).toISOString(),
        plannedGeneration: plan?.hyperConverged?.generation ?? null,
        version,
        catalogDigest: catalog.digest,
        images: snapshot.images,
      };
    },
    live: [isStuck],
    ready: [isSynced, isHeard, isLeaseAnswered],
    metrics: { contentType: metrics.contentType, text: () => metrics.text() },
  };
}

const stuckAfterMs = 5 * 60_000;
const silentAfterMs = 3 * 60_000;
