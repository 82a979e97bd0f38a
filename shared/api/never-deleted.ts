/** Kinds of which nothing of ours deletes an object: what it holds, which is other people's, would go with it. */
export const neverDeleted: ReadonlySet<string> = new Set([
  'Namespace',
  'CustomResourceDefinition',
  'PersistentVolumeClaim',
]);
