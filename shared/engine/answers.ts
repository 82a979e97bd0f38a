import type { KubernetesObject } from '../api/kubernetes-object.ts';
import type { ObjectRef } from '../api/object-ref.ts';
import {
  type GetQuestion,
  type ListQuestion,
  type Question,
  questionKey,
  type ReadAnswer,
  type Snapshot,
  type Verdict,
} from './snapshot.ts';

/** Looks answers up in a snapshot, and collects the questions that have none. */
export class Answers {
  readonly #snapshot: Snapshot;
  readonly #open = new Map<string, Question>();
  readonly #reads = new Map<string, GetQuestion | ListQuestion>();

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

  verdict(question: Question & { readonly ask: 'dry-run' }): Verdict | undefined {
    return this.#snapshot.verdicts.get(questionKey(question)) ?? this.#ask(question);
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
    this.#reads.set(key, question);
    return this.#snapshot.reads.get(key) ?? this.#snapshot.otherwise ?? this.#ask(question);
  }

  #ask(question: Question): undefined {
    this.#open.set(questionKey(question), question);
    return undefined;
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
