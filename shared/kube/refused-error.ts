/** A request that is never sent, because what it asks for must not happen: another object's identity, a Secret. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}
