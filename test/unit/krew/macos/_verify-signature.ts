import { createHash } from 'node:crypto';

export type Verified = {
  readonly identifier: string;
  readonly isAdHoc: boolean;
  readonly pages: number;
  /** What macOS would refuse, or might. */
  readonly mistakes: readonly string[];
};

/**
 * Reads a signature as macOS does when it runs the file, from what xnu's cs_blobs.h and mach-o/loader.h say. It shares
 * nothing with what signs.
 */
export function verifySignature(bytes: Uint8Array): Verified {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const mistakes: string[] = [];
  const expect = (isSo: boolean, otherwise: string) => {
    if (!isSo) mistakes.push(otherwise);
  };
  const little = (at: number) => view.getUint32(at, true);
  const long = (at: number) => Number(view.getBigUint64(at, true));

  let at = 32;
  let place: { start: number; size: number } | undefined;
  const segments: { name: string; address: number; memory: number; offset: number; size: number }[] = [];
  for (let command = 0; command < little(16); command += 1) {
    if (little(at) === 0x19) {
      const name = String.fromCharCode(...bytes.subarray(at + 8, at + 24)).replaceAll('\0', '');
      segments.push({
        name,
        address: long(at + 24),
        memory: long(at + 32),
        offset: long(at + 40),
        size: long(at + 48),
      });
    }
    if (little(at) === 0x1d) place = { start: little(at + 8), size: little(at + 12) };
    at += little(at + 4);
  }
  expect(at === 32 + little(20), `load commands end at ${at}, the header says ${32 + little(20)}`);

  const byAddress = segments.toSorted((a, b) => a.address - b.address);
  for (const [index, segment] of byAddress.entries()) {
    const next = byAddress[index + 1];
    expect(segment.size <= segment.memory, `${segment.name} is larger in the file than in memory`);
    expect(segment.offset + segment.size <= bytes.length, `${segment.name} ends after the file`);
    if (next === undefined) continue;
    expect(segment.address + segment.memory <= next.address, `${segment.name} and ${next.name} overlap in memory`);
    expect(segment.offset + segment.size <= next.offset, `${segment.name} and ${next.name} overlap in the file`);
  }
  const last = byAddress.at(-1);
  expect(last?.name === '__LINKEDIT', `${last?.name} is the last segment`);
  expect((last?.offset ?? 0) + (last?.size ?? 0) === bytes.length, '__LINKEDIT is not what the file ends with');
  expect((last?.memory ?? 1) % 0x1000 === 0, '__LINKEDIT is not whole pages of memory');

  if (place === undefined) return { identifier: '', isAdHoc: false, pages: 0, mistakes: ['there is no signature'] };
  const { start, size } = place;
  expect(start % 16 === 0, 'the signature is not aligned');
  expect(start + size === bytes.length, 'the signature is not what the file ends with');
  const big = (offset: number) => view.getUint32(start + offset);
  const blob = (offset: number) => bytes.subarray(start + offset, start + offset + big(offset + 4));
  expect(big(0) === 0xfade0cc0, 'there is no super blob');
  expect(big(4) <= size, 'the super blob is longer than its place');
  const slots = new Map(
    Array.from({ length: big(8) }, (_, index) => [big(12 + 8 * index), big(16 + 8 * index)] as const),
  );
  for (const offset of slots.values()) expect(offset + big(offset + 4) <= big(4), `the blob at ${offset} is cut off`);

  const directory = slots.get(0) ?? 0;
  expect(big(directory) === 0xfade0c02, 'there is no code directory');
  const [hashes, identifier, specials, pages, limit] = [16, 20, 24, 28, 32].map((field) => big(directory + field));
  const [hashSize, hashType, , pageBits] = bytes.subarray(start + directory + 36, start + directory + 40);
  expect(hashSize === 32 && hashType === 2, 'hashes are not SHA-256');
  expect(limit === start, `hashes are of ${limit} bytes, and the signature begins at ${start}`);
  const text = segments.find(({ name }) => name === '__TEXT');
  const [textStart, textSize, flags] = [64, 72, 80].map((field) => view.getBigUint64(start + directory + field));
  expect(Number(textStart) === text?.offset && Number(textSize) === text?.size, 'the executable segment is not __TEXT');
  expect(((flags ?? 0n) & 1n) === 1n, 'it is not marked as a main binary');

  const pageSize = 2 ** (pageBits ?? 0);
  expect(pages === Math.ceil(start / pageSize), `there are hashes of ${pages} pages`);
  const hash = (slot: number) => {
    const from = start + directory + (hashes ?? 0) + slot * 32;
    return Buffer.from(bytes.subarray(from, from + 32)).toString('hex');
  };
  const digest = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');
  for (let page = 0; page < (pages ?? 0); page += 1) {
    const content = bytes.subarray(page * pageSize, Math.min((page + 1) * pageSize, limit ?? 0));
    if (hash(page) !== digest(content)) mistakes.push(`page ${page} has another hash`);
  }
  for (let slot = 1; slot <= (specials ?? 0); slot += 1) {
    const offset = slots.get(slot);
    const wanted = offset === undefined ? '0'.repeat(64) : digest(blob(offset));
    expect(hash(-slot) === wanted, `special slot ${slot} has another hash`);
  }

  const name = bytes.subarray(start + directory + (identifier ?? 0));
  return {
    identifier: Buffer.from(name.subarray(0, name.indexOf(0))).toString(),
    isAdHoc: (big(directory + 12) & 2) === 2,
    pages: pages ?? 0,
    mistakes,
  };
}
