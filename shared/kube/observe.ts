import type { ObjectRef } from '../api/object-ref.ts';
import { formatObjectRef } from '../api/object-ref.ts';
import type { Catalog } from '../catalog/asset.ts';
import type { Plan } from '../engine/plan-item.ts';
import {
  type DryRunQuestion,
  type Question,
  questionKey,
  type ReadAnswer,
  type Snapshot,
  type Verdict,
} from '../engine/snapshot.ts';
import type { Cluster } from './client.ts';
import type { Discovery } from './discovery.ts';
import { dryRun } from './dry-run.ts';
import { forEachConcurrently } from './for-each-concurrently.ts';
import { reasonOf } from './reason-of.ts';
import { isTroubleOfOne } from './trouble.ts';

/** The engine's `plan`, which is cheaper when it is given what it came to before. */
export type Planner<Planned extends Decided> = (catalog: Catalog, snapshot: Snapshot, earlier?: Planned) => Planned;

/** What is decided so far, and what would have to be known to decide the rest. */
export type Decided = { readonly plan: Plan; readonly questions: readonly Question[] };

export type ObserveOptions = {
  /** Image references by name. */
  readonly images: Readonly<Record<string, string>>;
  /** The time, in milliseconds since 1970. */
  readonly now?: number;
  /** Facts that a person forces, by dotted path. */
  readonly forced?: Readonly<Record<string, unknown>>;
  /** What was seen of the cluster a moment ago: only what isn't in it is asked. */
  readonly earlier?: Snapshot;
  /** What the cluster serves, where that was asked a moment ago. */
  readonly discovery?: Discovery;
  /** What the plan is likely to ask: asked before the first one is made. */
  readonly likely?: (snapshot: Snapshot) => readonly Question[];
  /** Requests at a time. Default 64: below the 100 that an API server lets a connection have. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
};

export type Observation = {
  readonly plan: Plan;
  /** With which the plan was made. */
  readonly snapshot: Snapshot;
  /** HTTP requests that it took. */
  readonly requests: number;
};

/**
 * Plans, asks the cluster what the plan would need to know, and plans again, until nothing is open. What one question
 * meets is its answer (`unknown`, with the reason); only what any request would meet is thrown.
 *
 * @throws ConnectionError, or ApiError with 401, when the cluster can't be asked at all.
 */
export async function observe<Planned extends Decided>(
  cluster: Cluster,
  catalog: Catalog,
  plan: Planner<Planned>,
  { images, now, forced, earlier, discovery, likely = () => [], concurrency = 64, signal }: ObserveOptions,
): Promise<Observation> {
  const requestsBefore = cluster.requests;
  let snapshot: Snapshot = {
    ...(earlier ?? (await nothingSeen(cluster, discovery, signal))),
    images,
    ...(now !== undefined && { now }),
    ...(forced !== undefined && { forced }),
  };
  const changes = new Map<string, number>();
  snapshot = await withAnswers(unanswered(likely(snapshot), snapshot));
  let planned: Planned | undefined;
  for (let round = 0; round < mostRounds; round++) {
    planned = plan(catalog, snapshot, planned);
    const open = unanswered(planned.questions, snapshot);
    if (open.length === 0) return { plan: planned.plan, snapshot, requests: cluster.requests - requestsBefore };
    snapshot = await withAnswers(open);
  }
  const last = planned?.questions.slice(0, 3).map(questionKey).join('; ');
  throw new Error(`internal error: the plan still asks after ${mostRounds} rounds of answers, last: ${last}`);

  async function withAnswers(questions: readonly Question[]): Promise<Snapshot> {
    const reads = new Map(snapshot.reads);
    const verdicts = new Map(snapshot.verdicts);
    await forEachConcurrently(
      questions,
      concurrency,
      async (question, signal) => {
        const key = questionKey(question);
        if (question.ask !== 'dry-run') {
          reads.set(key, await read(cluster, question, signal));
          return;
        }
        const verdict = await dryRun(cluster, question, signal);
        if (verdict !== 'changed') {
          verdicts.set(key, verdict);
          return;
        }
        // Somebody wrote between the read and the dry-run: read again, and the plan asks about what is there now.
        const live = questionKey({ ask: 'get', ref: question.ref });
        const times = (changes.get(live) ?? 0) + 1;
        changes.set(live, times);
        if (times > mostChanges) verdicts.set(key, alwaysChanging(question.ref));
        else reads.set(live, await read(cluster, { ask: 'get', ref: question.ref }, signal));
      },
      signal,
    );
    return { ...snapshot, reads, verdicts };
  }
}

async function nothingSeen(cluster: Cluster, discovery: Discovery | undefined, signal: AbortSignal | undefined) {
  const { resources } = discovery ?? (await cluster.discover({ signal }));
  return { apis: { known: true, resources }, reads: new Map(), verdicts: new Map() } as const;
}

// A chain of reads that depend on one another, a dry-run and its repetitions: a dozen at most.
const mostRounds = 40;
const mostChanges = 3;

/** Each question once; what has an answer, `unknown` included, is not asked again. */
function unanswered(questions: readonly Question[], { reads, verdicts }: Snapshot): Question[] {
  const byKey = new Map(questions.map((question) => [questionKey(question), question]));
  return [...byKey].filter(([key]) => !reads.has(key) && !verdicts.has(key)).map(([, question]) => question);
}

async function read(
  cluster: Cluster,
  question: Exclude<Question, DryRunQuestion>,
  signal: AbortSignal,
): Promise<ReadAnswer> {
  try {
    switch (question.ask) {
      case 'get': {
        const answer = await cluster.get(question.ref, { signal });
        return answer.answer === 'absent' ? { answer: 'absent' } : answer;
      }
      case 'list': {
        const answer = await cluster.list(question, { signal });
        return answer.answer === 'absent' ? { answer: 'absent' } : { answer: 'list', items: answer.items };
      }
      default:
        return question satisfies never;
    }
  } catch (error) {
    if (isTroubleOfOne(error)) return { answer: 'unknown', ...reasonOf(error) };
    throw error;
  }
}

function alwaysChanging(ref: ObjectRef): Verdict {
  return { verdict: 'unknown', why: `${formatObjectRef(ref)} changed each time it was looked at: try again` };
}
