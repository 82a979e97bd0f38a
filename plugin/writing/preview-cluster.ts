import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { groupOf, type ObjectRef } from '../../shared/api/object-ref.ts';
import type { Absent } from '../../shared/kube/absent.ts';
import {
  type ApplyOptions,
  Cluster,
  type Collection,
  type Found,
  type Listed,
  type ListOptions,
  type Written,
} from '../../shared/kube/client.ts';
import { type AnnotationChange, changed } from './annotation-change.ts';

/**
 * A cluster that can be looked at as if annotations had been changed already: what is read, and what a dry run would
 * leave, shows them. That is how a plan is made for afterwards, by the same steps as for now.
 */
export class PreviewCluster extends Cluster {
  #changes: readonly AnnotationChange[] = [];

  /** From now on; none shows the cluster as it is. */
  pretend(changes: readonly AnnotationChange[]): void {
    this.#changes = changes;
  }

  override async get(ref: ObjectRef, options: { signal?: AbortSignal | undefined } = {}): Promise<Found | Absent> {
    const found = await super.get(ref, options);
    return found.answer === 'object' ? { ...found, object: this.#shown(found.object) } : found;
  }

  override async list<Item = KubernetesObject>(
    collection: Collection,
    options: ListOptions<Item> = {},
  ): Promise<Listed<Item> | Absent> {
    const { project = (object: KubernetesObject) => object as Item } = options;
    return await super.list(collection, { ...options, project: (object) => project(this.#shown(object)) });
  }

  override async apply(object: KubernetesObject, options: ApplyOptions): Promise<Written> {
    const written = await super.apply(object, options);
    return options.dryRun ? { ...written, object: this.#shown(written.object) } : written;
  }

  #shown(object: KubernetesObject): KubernetesObject {
    return this.#changes
      .filter(({ target }) => isObject(target, object))
      .reduce((shown, change) => changed(shown, change), object);
  }
}

function isObject(ref: ObjectRef, { apiVersion, kind, metadata }: KubernetesObject): boolean {
  return (
    ref.kind === kind &&
    groupOf(ref.apiVersion) === groupOf(apiVersion) &&
    ref.name === metadata.name &&
    ref.namespace === metadata.namespace
  );
}
