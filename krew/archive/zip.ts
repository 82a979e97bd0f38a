import { crc32, deflateRawSync } from 'node:zlib';
import { type ArchiveEntry, type ArchiveOptions, modeOf, sortedEntries } from './entry.ts';

/**
 * A .zip whose bytes depend on nothing but its files and their time, which is written as UTC (the format knows no zone).
 * For files and archives below 4 GiB.
 *
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
export function zip(entries: readonly ArchiveEntry[], { modified }: ArchiveOptions): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const entry of sortedEntries(entries)) {
    const compressed = deflateRawSync(entry.content, { level: 6 });
    const name = Buffer.from(entry.name, 'latin1');
    const common = [
      ...[uint16(20), uint16(0), uint16(8)], // needs version 2.0; no flags; deflate
      ...[uint16(dosTime(modified)), uint16(dosDate(modified))],
      ...[uint32(crc32(entry.content)), uint32(compressed.length), uint32(entry.content.length)],
      ...[uint16(name.length), uint16(0)], // no extra field
    ];
    const file = Buffer.concat([uint32(0x04034b50), ...common, name, compressed]);
    const madeOnUnix = uint16((3 << 8) | 20);
    const ordinaryFile = 0o100000;
    const attributes = uint32((ordinaryFile | modeOf(entry)) * 0x10000);
    directory.push(
      ...[uint32(0x02014b50), madeOnUnix, ...common],
      ...[uint16(0), uint16(0), uint16(0)], // no comment, first disk, not text
      ...[attributes, uint32(offset), name],
    );
    files.push(file);
    offset += file.length;
  }

  const index = Buffer.concat(directory);
  const count = uint16(entries.length);
  const end = [uint32(0x06054b50), uint16(0), uint16(0), count, count, uint32(index.length), uint32(offset), uint16(0)];
  return Buffer.concat([...files, index, ...end]);
}

/** To two seconds. */
function dosTime(time: Date): number {
  return (time.getUTCHours() << 11) | (time.getUTCMinutes() << 5) | (time.getUTCSeconds() >> 1);
}

function dosDate(time: Date): number {
  return ((time.getUTCFullYear() - 1980) << 9) | ((time.getUTCMonth() + 1) << 5) | time.getUTCDate();
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
