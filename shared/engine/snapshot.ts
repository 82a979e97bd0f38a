import type { JsonObject, KubernetesObject } from '../api/kubernetes-object.ts';
import type { ObjectRef } from '../api/object-ref.ts';

/**
 * What is known of a cluster at one moment. {@link plan} asks for what it lacks; the shell puts the answers in and
 * calls again. Nothing in it changes once it is there: a shell makes a new snapshot with more answers.
 */
export type Snapshot = {
  /** What the API server serves, or that it isn't known (files without CRDs: everything is assumed to be served). */
  readonly apis: Apis;
  /** Where to look for HyperConverged; any namespace when absent. */
  readonly namespace?: string;
  /** Image references by name (`kubevirt-metrics-exporter`). */
  readonly images: Readonly<Record<string, string>>;
  /** Answers to `get` and `list` questions by {@link questionKey}. */
  readonly reads: ReadonlyMap<string, ReadAnswer>;
  /** Answers to `dry-run` questions by {@link questionKey}. */
  readonly verdicts: ReadonlyMap<string, Verdict>;
  /** The answer to every `get` and `list` that has none of its own; without it such a question stays open. */
  readonly otherwise?: ReadAnswer;
  /** The time, in milliseconds since 1970: says only which overrides are past their date. Absent: none is. */
  readonly now?: number;
  /** Facts that a person forces (`render --fact`), by dotted path: `hardware.pciDevicesPresent`. */
  readonly forced?: Readonly<Record<string, unknown>>;
};

/** `builtIn: 'assumed'`: the resources are those of CRDs only, and groups that no CRD may have count as served. */
export type Apis =
  | { readonly known: true; readonly resources: readonly ApiResource[]; readonly builtIn?: 'assumed' }
  | { readonly known: false };

/** One served resource in one version. */
export type ApiResource = {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
};

/** What the engine would need to go on. */
export type Question = GetQuestion | ListQuestion | DryRunQuestion;
export type GetQuestion = { readonly ask: 'get'; readonly ref: ObjectRef };
export type ListQuestion = {
  readonly ask: 'list';
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
};
/** A server-side apply with `dryRun=All` of `desired`, against exactly the live object that was compared. */
export type DryRunQuestion = {
  readonly ask: 'dry-run';
  readonly ref: ObjectRef;
  readonly desired: KubernetesObject;
  /** Digest of `desired`. */
  readonly digest: string;
  /** The preconditions; absent for an object that doesn't exist. */
  readonly live?: { readonly uid: string; readonly resourceVersion: string };
};

export type ReadAnswer =
  | { readonly answer: 'object'; readonly object: KubernetesObject }
  | { readonly answer: 'list'; readonly items: readonly KubernetesObject[] }
  /** The server says that this very object, or its API, isn't there. */
  | { readonly answer: 'absent' }
  /** Looked for, but can't be known: no permission, a failing server, or files that don't hold it. */
  | Unknown;

export type Unknown = {
  readonly answer: 'unknown';
  /** One line for people: the server's own words, or what the files lack. */
  readonly why: string;
  /** Set where a permission is missing. */
  readonly permission?: Permission;
  /** Facts and declared reads go on as if it were absent, and say so; a live target stays unknown. */
  readonly assume?: 'absent';
};

export type Permission = {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly namespace?: string;
  readonly name?: string;
};

export type Verdict =
  /** `object` is what the cluster would hold afterwards. */
  | { readonly verdict: 'accepted'; readonly object: KubernetesObject; readonly warnings?: readonly string[] }
  /** The server or a webhook refused it, in its own words. */
  | { readonly verdict: 'rejected'; readonly message: string; readonly status?: JsonObject }
  | ({ readonly verdict: 'unknown' } & Omit<Unknown, 'answer'>);

/** The key of a question's answer in a snapshot: equal questions, equal keys. */
export function questionKey(question: Question): string {
  switch (question.ask) {
    case 'get':
      return `get ${refKey(question.ref)}`;
    case 'list':
      return `list ${question.apiVersion} ${question.kind} ${question.namespace ?? ''}`;
    case 'dry-run':
      return `dry-run ${refKey(question.ref)} ${question.digest} ${question.live?.resourceVersion ?? ''}`;
    default:
      return question satisfies never;
  }
}

function refKey({ apiVersion, kind, namespace, name }: ObjectRef): string {
  return `${apiVersion} ${kind} ${namespace ?? ''} ${name}`;
}
