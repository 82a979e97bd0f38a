import { annotation } from '../shared/api/annotations.ts';
import { formatObjectRef, type ObjectRef } from '../shared/api/object-ref.ts';
import type { PlanItem } from '../shared/engine/plan-item.ts';
import { patchAuthorOf } from './event-words.ts';
import type { Happening } from './happening.ts';

/** One write to the cluster. Values are never in it: a field may hold what isn't for a log. */
export type AuditRecord = {
  readonly action: 'create' | 'adopt' | 'update' | 'delete' | 'pause';
  readonly asset: string;
  readonly apiVersion: string;
  /** `KIND/NAMESPACE/NAME`. */
  readonly object: string;
  /** Pointers of the fields that the write changed; null for the whole object. */
  readonly fields: readonly string[] | null;
  /** Fields that were given up to whoever else sets them. */
  readonly released?: readonly string[];
  readonly why: string;
  /** Of the object before and after; null where there is none, or the server didn't tell. */
  readonly before: string | null;
  readonly after: string | null;
  /** The user's patch that was in effect, and who set it, where managed fields tell: what was written is theirs too. */
  readonly patch?: { readonly pointers: readonly string[]; readonly author: string | null };
};

/** The write that a happening tells of, if it does. */
export function auditRecord(happening: Happening): AuditRecord | undefined {
  switch (happening.happening) {
    case 'performed':
      return performed(happening);
    case 'war': {
      const { item, because, written } = happening;
      if (!written) return undefined;
      const fields = [annotation.reconcilePaused, annotation.pausedBy].map(annotationPointer);
      const why =
        because === 'fast' ? 'it was changed back again and again' : 'it was changed back too often in an hour';
      return { ...recordOf(item, item.target), action: 'pause', fields, why, after: null };
    }
    default:
      return undefined;
  }
}

function performed({ item, outcome }: Happening & { readonly happening: 'performed' }): AuditRecord | undefined {
  const record = recordOf(item, item.target);
  switch (outcome.result) {
    case 'created': {
      const after = outcome.object.metadata.resourceVersion ?? null;
      return { ...record, action: 'create', fields: null, before: null, after };
    }
    case 'configured': {
      const { drift, object, before } = outcome;
      const patch = item.overrides.find((override) => override.type === 'patch');
      const release = 'release' in item ? item.release : undefined;
      return {
        ...record,
        action: item.decision === 'adopt' ? 'adopt' : 'update',
        fields: drift.map(({ pointer }) => pointer),
        ...(release !== undefined && { released: release.pointers }),
        before,
        after: object.metadata.resourceVersion ?? null,
        ...(patch !== undefined && { patch: { pointers: patch.pointers, author: patchAuthorOf(object) } }),
      };
    }
    case 'deleted':
      return { ...record, action: 'delete', fields: null, after: null };
    default:
      return undefined;
  }
}

function recordOf(item: PlanItem, target: ObjectRef): Omit<AuditRecord, 'action' | 'fields' | 'after'> {
  return {
    asset: item.asset,
    apiVersion: target.apiVersion,
    object: formatObjectRef(target),
    why: item.why,
    before: 'live' in item ? item.live.resourceVersion : null,
  };
}

function annotationPointer(key: string): string {
  return `/metadata/annotations/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
