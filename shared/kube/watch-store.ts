import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject } from '../api/kubernetes-object.ts';

/** What happened to one object, in the words of the kept (projected) objects. */
export type WatchChange =
  | { readonly change: 'added'; readonly key: string; readonly object: KubernetesObject }
  | {
      readonly change: 'updated';
      readonly key: string;
      readonly object: KubernetesObject;
      readonly previous: KubernetesObject;
    }
  /** `previous` is what was known last. */
  | { readonly change: 'deleted'; readonly key: string; readonly previous: KubernetesObject };

/** What is kept of one object. */
export type WatchEntry = {
  /** See {@link watchKey}. */
  readonly key: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** Undefined: the projection wants nothing of it, so it counts as not there. */
  readonly object: KubernetesObject | undefined;
};

/** `NAMESPACE/NAME`; `/NAME` of what is cluster-scoped. */
export function watchKey({ namespace = '', name }: { readonly namespace?: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}

/** The objects as they are known, and each change of them told exactly once, whatever is listed how often. */
export class WatchStore {
  readonly #items = new Map<string, KubernetesObject>();
  readonly #versions = new Map<string, Pick<WatchEntry, 'uid' | 'resourceVersion'>>();
  readonly #onChange: (change: WatchChange) => void;
  #unseen: Set<string> | undefined;

  /** @param onChange Called when `items` has the change already. */
  constructor(onChange: (change: WatchChange) => void) {
    this.#onChange = onChange;
  }

  get items(): ReadonlyMap<string, KubernetesObject> {
    return this.#items;
  }

  /** From here to {@link endList} everything that exists is put; what isn't has gone meanwhile. */
  beginList(): void {
    this.#unseen = new Set(this.#items.keys());
  }

  endList(): void {
    for (const key of this.#unseen ?? []) this.remove(key);
    this.#unseen = undefined;
  }

  put({ key, uid, resourceVersion, object }: WatchEntry): void {
    this.#unseen?.delete(key);
    const known = this.#versions.get(key);
    if (object === undefined) {
      this.remove(key);
      return;
    }
    const isSameVersion = resourceVersion !== '' && known?.resourceVersion === resourceVersion;
    if (isSameVersion && known.uid === uid) return;
    // Another object under the old name.
    if (known !== undefined && known.uid !== uid) this.remove(key);
    const previous = this.#items.get(key);
    this.#versions.set(key, { uid, resourceVersion });
    if (previous === undefined) {
      this.#items.set(key, object);
      this.#onChange({ change: 'added', key, object });
      return;
    }
    // A heartbeat, for one who keeps no part of what it changes.
    if (isDeepStrictEqual(previous, object)) return;
    this.#items.set(key, object);
    this.#onChange({ change: 'updated', key, object, previous });
  }

  remove(key: string): void {
    this.#unseen?.delete(key);
    const previous = this.#items.get(key);
    this.#versions.delete(key);
    if (previous === undefined) return;
    this.#items.delete(key);
    this.#onChange({ change: 'deleted', key, previous });
  }
}
