import { createHash } from 'node:crypto';
import {
  headerSize,
  type LoadCommand,
  loadCommand,
  type MachO,
  readMachO,
  type Segment,
  segmentField,
} from './mach-o.ts';

/**
 * Signs an executable for macOS ad hoc, as `codesign --sign -` does: without a certificate, so that it says nothing about
 * who made it, but an Apple silicon Mac runs nothing that has no signature at all. A signature that is there already is
 * replaced. The same input gives the same bytes.
 *
 * Without the hardened runtime: under that one, Node's compiler would need entitlements.
 *
 * @param executable - 64-bit Mach-O of one architecture; it goes back unchanged
 * @param identifier - what the signature calls it; codesign takes the file's name
 * @throws Error when it isn't such an executable, or has no room for the load command
 */
export function signAdHoc(executable: Buffer, { identifier }: { identifier: string }): Buffer {
  const machO = readMachO(executable);
  const text = segmentNamed(machO, '__TEXT');
  const linkEdit = segmentNamed(machO, '__LINKEDIT');
  checkIsLast(linkEdit, machO);

  const old = machO.commands.find(({ command }) => command === loadCommand.codeSignature);
  const contentEnd = old === undefined ? executable.length : endWithout(old, executable, linkEdit);
  if (linkEdit.fileOffset + linkEdit.fileSize !== executable.length) {
    throw new Error("Its last segment, __LINKEDIT, isn't what the file ends with: there is no place for a signature.");
  }
  const codeLimit = alignedTo(16, contentEnd);
  const size = alignedTo(16, signature([], { identifier, codeLimit, text }).length);

  const signed = Buffer.alloc(codeLimit + size);
  executable.copy(signed, 0, 0, contentEnd);
  writeCommand(signed, { offset: old?.offset ?? newCommand(signed, machO), codeLimit, size });
  resize(signed, linkEdit, { end: signed.length, pageSize: machO.arch === 'arm64' ? 0x4000 : 0x1000 });
  // Only now: the header is on the first page.
  signature(pageHashes(signed.subarray(0, codeLimit)), { identifier, codeLimit, text }).copy(signed, codeLimit);
  return signed;
}

function segmentNamed({ segments }: MachO, wanted: string): Segment {
  const segment = segments.find(({ name }) => name === wanted);
  if (segment === undefined) throw new Error(`It has no segment ${wanted}.`);
  return segment;
}

/** It grows by the signature, in the file and in memory, so nothing may come after it. */
function checkIsLast(linkEdit: Segment, { segments }: MachO): void {
  const after = segments.find(
    ({ address, fileOffset }) => address > linkEdit.address || fileOffset > linkEdit.fileOffset,
  );
  if (after !== undefined)
    throw new Error(`Its segment ${after.name} comes after __LINKEDIT, which has to be the last.`);
}

function endWithout(old: LoadCommand, file: Buffer, linkEdit: Segment): number {
  const start = file.readUInt32LE(old.offset + 8);
  const end = start + file.readUInt32LE(old.offset + 12);
  if (start < linkEdit.fileOffset || end !== file.length) throw new Error("Its old signature isn't at its end.");
  return start;
}

/** Makes room for one more load command at the end of those that are there, and says where. */
function newCommand(file: Buffer, { commands, commandsEnd, contentStart }: MachO): number {
  const size = 16;
  const isFree = file.subarray(commandsEnd, commandsEnd + size).every((byte) => byte === 0);
  if (commandsEnd + size > contentStart || !isFree)
    throw new Error('Its header has no room for one more load command.');
  file.writeUInt32LE(commands.length + 1, 16);
  file.writeUInt32LE(commandsEnd + size - headerSize, 20);
  return commandsEnd;
}

function writeCommand(file: Buffer, { offset, codeLimit, size }: { offset: number; codeLimit: number; size: number }) {
  for (const [index, value] of [loadCommand.codeSignature, 16, codeLimit, size].entries()) {
    file.writeUInt32LE(value, offset + 4 * index);
  }
}

function resize(file: Buffer, segment: Segment, { end, pageSize }: { end: number; pageSize: number }): void {
  const size = end - segment.fileOffset;
  file.writeBigUInt64LE(BigInt(size), segment.offset + segmentField.fileSize);
  file.writeBigUInt64LE(BigInt(alignedTo(pageSize, size)), segment.offset + segmentField.memorySize);
}

// 4 KiB on both architectures, whatever the size of a page in memory: codesign has signed Node's own executables so.
const pageBits = 12;
const hashSize = 32;

function pageHashes(content: Buffer): Buffer[] {
  const pageSize = 1 << pageBits;
  return Array.from({ length: Math.ceil(content.length / pageSize) }, (_, page) =>
    sha256(content.subarray(page * pageSize, (page + 1) * pageSize)),
  );
}

type Signed = { readonly identifier: string; readonly codeLimit: number; readonly text: Segment };

/**
 * A "super blob" of three: the code directory, an empty list of requirements, and an empty wrapper where a signature with
 * a certificate would have it. Unlike the rest of the file, big-endian.
 *
 * @see https://github.com/apple-oss-distributions/xnu/blob/main/osfmk/kern/cs_blobs.h
 */
function signature(hashes: readonly Buffer[], signed: Signed): Buffer {
  const requirements = blob(0xfade0c01, uint32(0));
  const slots = [
    { slot: 0, content: codeDirectory(hashes, requirements, signed) },
    { slot: 2, content: requirements },
    { slot: 0x10000, content: blob(0xfade0b01) },
  ];
  let offset = 12 + 8 * slots.length;
  const index = slots.map(({ slot, content }) => {
    const entry = Buffer.concat([uint32(slot), uint32(offset)]);
    offset += content.length;
    return entry;
  });
  return blob(0xfade0cc0, uint32(slots.length), ...index, ...slots.map(({ content }) => content));
}

/** Without hashes it has the size that it will have with them. */
function codeDirectory(
  hashes: readonly Buffer[],
  requirements: Buffer,
  { identifier, codeLimit, text }: Signed,
): Buffer {
  const fixedSize = 88;
  const name = Buffer.from(`${identifier}\0`);
  // Of special slots, counted backwards from the first page: 2 the requirements, 1 an Info.plist, which there is none of.
  const special = [sha256(requirements), Buffer.alloc(hashSize)];
  const pages = Math.ceil(codeLimit / (1 << pageBits));
  return blob(
    0xfade0c02,
    uint32(0x20400), // version: the first that has the executable segment
    uint32(0x2), // flags: ad hoc
    uint32(fixedSize + name.length + hashSize * special.length), // where the hashes of pages begin
    uint32(fixedSize), // where the identifier is
    uint32(special.length),
    uint32(pages),
    uint32(codeLimit),
    Buffer.from([hashSize, 2, 0, pageBits]), // 2: SHA-256
    uint32(0),
    uint32(0), // no scatter vector
    uint32(0), // no team
    uint32(0),
    uint64(0), // the 64-bit limit is for larger files
    uint64(text.fileOffset),
    uint64(text.fileSize),
    uint64(1), // the main binary
    name,
    ...special,
    hashes.length === 0 ? Buffer.alloc(pages * hashSize) : Buffer.concat(hashes),
  );
}

function blob(magic: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([uint32(magic), uint32(8 + content.length), content]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

function sha256(content: Buffer): Buffer {
  return createHash('sha256').update(content).digest();
}

function alignedTo(size: number, value: number): number {
  return Math.ceil(value / size) * size;
}
