import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { groupOf } from '../shared/api/object-ref.ts';
import type { Catalog } from '../shared/catalog/asset.ts';
import { isAsWanted } from '../shared/engine/is-as-wanted.ts';
import type { Plan } from '../shared/engine/plan-item.ts';
import type { EventCounts } from './events.ts';
import type { Happening, Listener } from './happening.ts';
import { protectedOverrides } from './protected-overrides.ts';
import { isActive } from './state-changes.ts';
import { isWanted, isWrite, keyOf, labelsOf, type ObjectLabel, objectLabels, StatusSeries } from './status-series.ts';

/** How one watch is, as `Watch.state` says it. */
export type WatchReport = { readonly apiVersion: string; readonly kind: string; readonly phase: string };

export type MetricsOptions = {
  /** Of the controller. */
  readonly version: string;
  readonly catalog: Catalog;
  /** Milliseconds since 1970. */
  readonly date: () => number;
  /** Nothing is written, so what differs isn't put right. Default false. */
  readonly observe?: boolean;
  /** The rest is asked at each scrape, of whoever knows it. */
  readonly isLeader?: () => boolean;
  readonly events?: () => EventCounts;
  readonly watches?: () => readonly WatchReport[];
  /** Objects being written, and objects that are to be. */
  readonly inFlight?: () => number;
  readonly waiting?: () => number;
  /** Requests made to the API server so far. */
  readonly requests?: () => number;
  /** Memory, processor time and event loop of this process. Default true. */
  readonly ofProcess?: boolean;
};

/**
 * Everything under `virt_platform_`. Gauges are made from the last plan when they are asked for, so that nothing that is
 * gone leaves a series behind; labels name the catalog's own objects only.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #options: MetricsOptions;
  #status: StatusSeries;
  readonly #atWar = new Set<string>();
  /** Objects that are wanted, and so have series of their own. */
  readonly #known = new Set<string>();
  readonly #thrashing: Counter<ObjectLabel>;
  readonly #tombstoneDeletions: Counter<ObjectLabel | 'result'>;
  readonly #duration: Histogram<ObjectLabel>;
  readonly #planDuration: Histogram;
  readonly #writes: Counter<ObjectLabel | 'result'>;
  readonly #throttled: Counter<ObjectLabel>;
  readonly #troubles: Counter;
  readonly #verdicts: Counter<'result'>;
  #lastPlanAt: number | undefined;
  #lastSuccessAt: number | undefined;
  #restarts = new Map<string, number>();

  constructor(options: MetricsOptions) {
    this.#options = options;
    this.#status = this.#freshStatus();
    const registers = [this.#registry];
    this.#thrashing = new Counter({
      name: 'virt_platform_thrashing_total',
      help: 'Edit wars over an object that ended in a pause; goes up once for each.',
      labelNames: objectLabels,
      registers,
    });
    this.#tombstoneDeletions = new Counter({
      name: 'virt_platform_tombstone_deletion_total',
      help: 'Deletions of obsolete objects by result: deleted, failed, or skipped because the object is not ours.',
      labelNames: [...objectLabels, 'result'],
      registers,
    });
    this.#duration = new Histogram({
      name: 'virt_platform_reconcile_duration_seconds',
      help: 'Time to decide about one object and to write it where that was needed, in seconds.',
      labelNames: objectLabels,
      buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    });
    this.#planDuration = new Histogram({
      name: 'virt_platform_plan_duration_seconds',
      help: 'Time to make one plan of the whole catalog, dry-run requests included, in seconds.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
      registers,
    });
    this.#writes = new Counter({
      name: 'virt_platform_writes_total',
      help: 'Objects carried out by result: created, configured, unchanged, deleted, conflict or failed.',
      labelNames: [...objectLabels, 'result'],
      registers,
    });
    this.#throttled = new Counter({
      name: 'virt_platform_throttled_total',
      help: 'Updates that were held back because the object changes too often.',
      labelNames: objectLabels,
      registers,
    });
    this.#troubles = new Counter({
      name: 'virt_platform_troubles_total',
      help: 'Failures that concern more than one object: a watch, the Lease, a whole pass. Each is tried again.',
      registers,
    });
    this.#verdicts = new Counter({
      name: 'virt_platform_dry_run_verdicts_total',
      help: 'Verdicts of the API server that a plan needed by result: hit when known already, miss when asked for.',
      labelNames: ['result'],
      registers,
    });
    for (const result of ['hit', 'miss']) this.#verdicts.inc({ result }, 0);
    this.#gauges(registers);
    if (options.ofProcess ?? true) this.#ofProcess();
  }

  readonly listener: Listener = (happening: Happening): void => {
    switch (happening.happening) {
      case 'planned':
        this.#planned(happening.plan, happening.durationMs);
        this.#verdicts.inc({ result: 'hit' }, happening.verdicts?.hits ?? 0);
        this.#verdicts.inc({ result: 'miss' }, happening.verdicts?.misses ?? 0);
        return;
      case 'performed': {
        const { item, outcome, durationMs } = happening;
        const labels = labelsOf(item);
        if (outcome.result === 'nothing') return;
        this.#writes.inc({ ...labels, result: outcome.result });
        this.#status.performed(item, outcome);
        if (item.type === 'asset') this.#duration.observe(labels, durationMs / 1000);
        if (outcome.result === 'created' || outcome.result === 'configured') this.#atWar.delete(keyOf(item));
        if (item.decision === 'delete' && (outcome.result === 'deleted' || outcome.result === 'failed')) {
          this.#tombstoneDeletions.inc({ ...labels, result: outcome.result });
        }
        return;
      }
      case 'throttled':
        this.#throttled.inc(labelsOf(happening.item));
        return;
      case 'war':
        if (!this.#atWar.has(keyOf(happening.item))) this.#thrashing.inc(labelsOf(happening.item));
        this.#atWar.add(keyOf(happening.item));
        return;
      case 'resumed':
        this.#atWar.delete(keyOf(happening.item));
        return;
      case 'trouble':
        this.#troubles.inc();
        if (happening.watchedKind !== undefined) this.#watchRestarted(happening.watchedKind);
        return;
      case 'leading':
        // Who doesn't lead knows nothing any more of how objects are: whoever does says so.
        if (!happening.isLeader) this.#status = this.#freshStatus();
        return;
      default:
        happening satisfies never;
    }
  };

  #freshStatus(): StatusSeries {
    const { catalog, observe = false } = this.#options;
    return new StatusSeries(catalog, { observe });
  }

  /** A watch failed, and is connected anew. */
  #watchRestarted(kind: string): void {
    this.#restarts.set(kind, (this.#restarts.get(kind) ?? 0) + 1);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All metrics in Prometheus' text format, as of now. */
  async text(): Promise<string> {
    return await this.#registry.metrics();
  }

  #planned(plan: Plan, durationMs: number): void {
    if (plan.activation.state === 'unknown') return;
    const before = new Map(this.#status.plan?.items.map((item) => [keyOf(item), item]));
    const now = this.#options.date();
    this.#status.planned(plan);
    this.#lastPlanAt = now;
    if (isActive(plan) && plan.items.every(isAsWanted)) this.#lastSuccessAt = now;
    this.#planDuration.observe(durationMs / 1000);
    for (const item of plan.items) {
      const earlier = before.get(keyOf(item));
      if (item.decision === 'not-ours' && earlier?.decision !== 'not-ours') {
        this.#tombstoneDeletions.inc({ ...labelsOf(item), result: 'skipped' });
      }
      if (item.type !== 'asset') continue;
      const key = keyOf(item);
      if (!isWanted(item)) {
        if (this.#known.delete(key)) this.#duration.remove(labelsOf(item));
        continue;
      }
      if (!this.#known.has(key)) this.#thrashing.inc(labelsOf(item), 0);
      this.#known.add(key);
      // What is to be written is timed when it is.
      if (item.baseline !== undefined && item.decision !== 'excluded' && !isWrite(item)) {
        this.#duration.observe(labelsOf(item), durationMs / 1000 / plan.items.length);
      }
    }
  }

  #gauges(registers: Registry[]): void {
    const { catalog, version, isLeader, events, watches, inFlight, waiting, requests } = this.#options;
    const gauge = <Label extends string>(
      name: string,
      help: string,
      labelNames: readonly Label[],
      series: () => Iterable<readonly [Partial<Record<Label, string>>, number]>,
    ) => {
      const metric = new Gauge<Label>({
        name: `virt_platform_${name}`,
        help,
        labelNames,
        registers,
        collect: () => {
          metric.reset();
          // Without labels there would be a 0 that nobody has said.
          if (labelNames.length === 0) metric.remove();
          for (const [labels, value] of series()) metric.set(labels as Record<Label, string>, value);
        },
      });
    };
    const counter = <Label extends string>(
      name: string,
      help: string,
      labelNames: readonly Label[],
      series: () => Iterable<readonly [Partial<Record<Label, string>>, number]>,
    ) => {
      const metric = new Counter<Label>({
        name: `virt_platform_${name}`,
        help,
        labelNames,
        registers,
        collect: () => {
          metric.reset();
          for (const [labels, value] of series()) metric.inc(labels as Record<Label, string>, value);
        },
      });
    };
    gauge(
      'compliance_status',
      'Whether the object is as it should be: 1 when it is, 0 when it is not and could not be put right.',
      objectLabels,
      () => this.#status.compliance(),
    );
    gauge(
      'paused_resources',
      'Whether the object is left alone because of an edit war: 1 while it is, otherwise 0.',
      objectLabels,
      () => this.#status.paused(),
    );
    gauge(
      'customization_info',
      'A deviation from the baseline, always 1: type is patch, ignore or unmanaged.',
      [...objectLabels, 'type'],
      () => this.#status.customizations(),
    );
    gauge(
      'protected_customization_info',
      'A deviation on something that protects people (alerts, metrics, remediation), always 1: type is as in status.',
      [...objectLabels, 'type'],
      () =>
        this.#status.plan === undefined
          ? []
          : protectedOverrides(this.#status.plan, catalog).map(
              ({ item, type }) => [{ ...labelsOf(item), type }, 1] as const,
            ),
    );
    gauge(
      'invalid_annotation_info',
      'An annotation of ours that cannot be followed, always 1, on the object that carries it. It holds that object, or all for disabled-resources; a note beside an override holds nothing.',
      [...objectLabels, 'annotation'],
      () => this.#status.invalidAnnotations(),
    );
    gauge(
      'override_until_timestamp_seconds',
      'When an override is to end, in seconds since 1970: past it, it stays in effect and is to be looked at. type is patch, ignore, unmanaged or excluded.',
      [...objectLabels, 'type'],
      () => this.#status.overrideEnds(),
    );
    gauge(
      'missing_dependency',
      'Whether an API that an active feature needs is missing: 1 when it is, 0 when it is served.',
      ['group', 'version', 'kind'],
      () => this.#status.dependencies(),
    );
    gauge(
      'tombstone_status',
      'An obsolete object: 1 it still exists, 0 gone, -1 reading or deleting it failed, -2 left alone because it is not ours.',
      objectLabels,
      () => this.#status.tombstones(),
    );
    gauge('assets', 'Assets and tombstones by what was decided about them.', ['type', 'decision'], () =>
      this.#status.decisions(),
    );
    gauge('build_info', 'The version of the controller, always 1.', ['version'], () => [[{ version }, 1]]);
    gauge('catalog_info', 'The catalog, always 1.', ['version', 'digest'], () => [
      [{ version, digest: catalog.digest }, 1],
    ]);
    gauge('last_plan_timestamp_seconds', 'When a plan was finished last, in seconds since 1970.', [], () =>
      timestamp(this.#lastPlanAt),
    );
    gauge(
      'last_success_timestamp_seconds',
      'When a plan last found everything as wanted, in seconds since 1970.',
      [],
      () => timestamp(this.#lastSuccessAt),
    );
    if (isLeader !== undefined) {
      gauge('leader', 'Whether this process leads: 1 when it does, otherwise 0.', [], () => [[{}, isLeader() ? 1 : 0]]);
    }
    if (inFlight !== undefined) {
      gauge('writes_in_flight', 'Objects that are being written.', [], () => [[{}, inFlight()]]);
    }
    if (waiting !== undefined) {
      gauge('queue_depth', 'Objects that are to be written and wait for it.', [], () => [[{}, waiting()]]);
    }
    if (watches !== undefined) {
      gauge('watches', 'Watches by the kind that they follow and how they are.', ['group', 'kind', 'phase'], () =>
        watchSeries(watches()),
      );
    }
    counter('watch_restarts_total', 'Watches that were connected anew, by kind.', ['kind'], () =>
      [...this.#restarts].map(([kind, count]) => [{ kind }, count] as const),
    );
    if (events !== undefined) {
      counter('events_total', 'Events by result: created, repeated, dropped or failed.', ['result'], () =>
        Object.entries(events()).map(([result, count]) => [{ result }, count] as const),
      );
    }
    if (requests !== undefined) {
      counter('api_requests_total', 'Requests made to the API server, repeated ones included.', [], () => [
        [{}, requests()],
      ]);
    }
  }

  #ofProcess(): void {
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: 100 });
    // Gauges whose names end as counters' do.
    for (const what of ['handles', 'requests', 'resources']) {
      this.#registry.removeSingleMetric(`nodejs_active_${what}_total`);
    }
  }
}

function timestamp(at: number | undefined): readonly (readonly [Record<never, string>, number])[] {
  return at === undefined ? [] : [[{}, at / 1000]];
}

function watchSeries(watches: readonly WatchReport[]) {
  const counts = new Map<string, { labels: { group: string; kind: string; phase: string }; count: number }>();
  for (const { apiVersion, kind, phase } of watches) {
    const labels = { group: groupOf(apiVersion), kind, phase };
    const key = JSON.stringify(labels);
    const known = counts.get(key) ?? { labels, count: 0 };
    counts.set(key, { labels, count: known.count + 1 });
  }
  return [...counts.values()].map(({ labels, count }) => [labels, count] as const);
}
