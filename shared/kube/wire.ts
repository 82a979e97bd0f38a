import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { CurrentCredentials } from './credential-source.ts';

/** Carries requests to one server, in one version of HTTP. It opens connections as they are needed, and keeps them. */
export type Wire = {
  /** @throws what a request can't be written for, as a header of characters that no header can carry */
  start(request: WireRequest, receiver: Receiver): Exchange;
  /** Ends every connection at once, exchanges included. */
  close(): void;
};

export type WireRequest = {
  readonly method: string;
  /** With the path of the server itself, and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  /** As bytes: Node would write a text together with the headers, and these then in UTF-8 for a second time. */
  readonly body?: Buffer;
  /** Their certificate is the connection's: with another one it is another connection. */
  readonly credentials: CurrentCredentials;
  /** An answer that may go on for minutes must not keep others waiting. */
  readonly isStream: boolean;
};

/** Is told how an exchange goes: `answered` or `failed`, perhaps `failed` later on, and `closed` at the end. */
export type Receiver = {
  answered(head: AnswerHead): void;
  /** @param isReused whether the connection had been of use before */
  failed(error: unknown, isReused: boolean): void;
  closed(): void;
};

export type AnswerHead = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The Warning headers, one or several in each. */
  readonly warnings: readonly string[];
  /** Still to be read. */
  readonly body: Readable;
};

export type Exchange = {
  /** Ends it, whatever it has come to. */
  destroy(): void;
  /** The same, because nothing came in time: its connection may be dead, and begins nothing new. */
  giveUp(): void;
  /** Whether there is a connection for it, as far as is known. */
  isConnected(): boolean;
};
