import { crc32, deflateRawSync } from 'node:zlib';
import { type ArchiveEntry, type ArchiveOptions, modeOf, sortedEntries } from './entry.ts';

/**
 * A .tar.gz whose bytes depend on nothing but its files and their time: no user, no umask, no name of the archive. The
 * system's tar can't be told the same on every system.
 */
export function tarGz(entries: readonly ArchiveEntry[], { modified }: ArchiveOptions): Buffer {
  const blocks = sortedEntries(entries).flatMap((entry) => [
    header(entry, modified),
    entry.content,
    Buffer.alloc((blockSize - (entry.content.length % blockSize)) % blockSize),
  ]);
  return gzip(Buffer.concat([...blocks, Buffer.alloc(2 * blockSize)]));
}

const blockSize = 512;

/** POSIX.1-1988, "ustar": https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html */
function header(entry: ArchiveEntry, modified: Date): Buffer {
  const block = Buffer.alloc(blockSize);
  const octal = (value: number, offset: number, digits: number) =>
    block.write(`${value.toString(8).padStart(digits, '0')}\0`, offset, 'latin1');

  block.write(entry.name, 0, 'latin1');
  octal(modeOf(entry), 100, 7);
  octal(0, 108, 7); // uid
  octal(0, 116, 7); // gid
  octal(entry.content.length, 124, 11);
  octal(Math.floor(modified.getTime() / 1000), 136, 11);
  block.write('0', 156, 'latin1'); // an ordinary file
  block.write('ustar\0' + '00', 257, 'latin1');
  octal(0, 329, 7); // device numbers
  octal(0, 337, 7);

  // Its own checksum is counted as if it were spaces.
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** RFC 1952. By hand, as zlib writes the system that it runs on into the header. */
function gzip(content: Buffer): Buffer {
  const noFlagsNoTime = [0, 0, 0, 0, 0];
  const unknownSystem = 255;
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(content), 0);
  trailer.writeUInt32LE(content.length % 2 ** 32, 4);
  return Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, ...noFlagsNoTime, 0, unknownSystem]),
    deflateRawSync(content, { level: 6 }),
    trailer,
  ]);
}
