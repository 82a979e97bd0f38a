import type { KubernetesObject } from '../api/kubernetes-object.ts';
import type { ObjectRef } from '../api/object-ref.ts';
import {
  type DryRunQuestion,
  type GetQuestion,
  type ListQuestion,
  type Question,
  questionKey,
  type ReadAnswer,
  type Snapshot,
  type Verdict,
} from './snapshot.ts';

/** One thing that was looked up, and what was known of it; undefined: nothing. */
export type Look = {
  readonly key: string;
  readonly question: Question;
  readonly answer: ReadAnswer | Verdict | undefined;
};

/** Looks answers up in a snapshot, and collects the questions that have none. */
export class Answers {
  readonly #snapshot: Snapshot;
  readonly #open = new Map<string, Question>();
  readonly #reads = new Map<string, GetQuestion | ListQuestion>();
  #looks: Look[] | undefined;

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
  }

  /** What the snapshot lacked, each once. */
  get open(): readonly Question[] {
    return [...this.#open.values()];
  }

  /** Every object and list that was looked at, answered or not, each once. */
  get reads(): readonly (GetQuestion | ListQuestion)[] {
    return [...this.#reads.values()];
  }

  /** `undefined` while the question is open. */
  get(ref: ObjectRef): ReadAnswer | undefined {
    return this.#read({ ask: 'get', ref });
  }

  verdict(question: DryRunQuestion): Verdict | undefined {
    const key = questionKey(question);
    const answer = this.#snapshot.verdicts.get(key);
    this.#note({ key, question, answer });
    return answer;
  }

  /** The result of a computation, with everything that it looked up. */
  traced<Result>(compute: () => Result): { readonly result: Result; readonly looks: readonly Look[] } {
    const looks: Look[] = [];
    this.#looks = looks;
    try {
      return { result: compute(), looks };
    } finally {
      this.#looks = undefined;
    }
  }

  /**
   * Looks the same up as an earlier computation. Whether each answer is the very same one: since nothing in a snapshot
   * changes once it is there, the computation would come to the same result.
   */
  repeat(looks: readonly Look[]): boolean {
    const isSame = looks.every(({ key, question, answer }) => this.#known(key, question) === answer);
    if (isSame) for (const look of looks) this.#note(look);
    return isSame;
  }

  /** An object as a fact: absent where it isn't there, `why` and how it is taken where that can't be known. */
  object(ref: ObjectRef): { readonly object: KubernetesObject | undefined } & NotKnown {
    const answer = this.get(ref);
    return { object: answer?.answer === 'object' ? answer.object : undefined, ...notKnown(answer) };
  }

  /** A list as a fact: empty where its API isn't there. */
  list(list: Omit<ListQuestion, 'ask'>): { readonly items: readonly KubernetesObject[] } & NotKnown {
    const answer = this.#read({ ask: 'list', ...list });
    return { items: answer?.answer === 'list' ? answer.items : [], ...notKnown(answer) };
  }

  #read(question: GetQuestion | ListQuestion): ReadAnswer | undefined {
    const key = questionKey(question);
    const answer = this.#snapshot.reads.get(key) ?? this.#snapshot.otherwise;
    this.#note({ key, question, answer });
    return answer;
  }

  #known(key: string, { ask }: Question): ReadAnswer | Verdict | undefined {
    const { reads, verdicts, otherwise } = this.#snapshot;
    return ask === 'dry-run' ? verdicts.get(key) : (reads.get(key) ?? otherwise);
  }

  #note(look: Look): void {
    const { key, question, answer } = look;
    this.#looks?.push(look);
    if (question.ask !== 'dry-run') this.#reads.set(key, question);
    if (answer === undefined) this.#open.set(key, question);
  }
}

/** `why` is set where a fact couldn't be known; `assumed` where it is taken for absent all the same. */
export type NotKnown = { readonly why?: string; readonly assumed: boolean };

function notKnown(answer: ReadAnswer | undefined): NotKnown {
  if (answer === undefined) return { why: stillOpen, assumed: false };
  if (answer.answer !== 'unknown') return { assumed: false };
  const assumed = answer.assume === 'absent';
  return { why: assumed ? `${answer.why}, and taken as absent` : answer.why, assumed };
}

/** Why something is unknown while the shell hasn't answered yet; no finished plan says so. */
export const stillOpen = 'it has not been looked up yet';
