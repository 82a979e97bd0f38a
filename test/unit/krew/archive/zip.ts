import { createHash, randomBytes } from 'node:crypto';
import { crc32, inflateRawSync } from 'node:zlib';
import test from 'ava';
import { zip } from '../../../../krew/archive/zip.ts';
import { digestElsewhere } from './_same-bytes.ts';

const modified = new Date('2026-11-21T13:45:06Z');
const files = [
  { name: 'plugin.exe', content: randomBytes(70_001), isExecutable: true },
  { name: 'LICENSE', content: Buffer.from('be nice\n'.repeat(500)), isExecutable: false },
];

/** From the end, as unpackers do: the directory, then what it points to. */
function unzipped(archive: Buffer) {
  const end = archive.lastIndexOf('PK\x05\x06');
  let at = archive.readUInt32LE(end + 16);
  return Array.from({ length: archive.readUInt16LE(end + 10) }, () => {
    const [crc, packed, size, nameSize] = [
      archive.readUInt32LE(at + 16),
      archive.readUInt32LE(at + 20),
      archive.readUInt32LE(at + 24),
      archive.readUInt16LE(at + 28),
    ];
    const name = archive.toString('latin1', at + 46, at + 46 + nameSize);
    const local = archive.readUInt32LE(at + 42);
    const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    const content = inflateRawSync(archive.subarray(start, start + packed));
    const entry = {
      name,
      content,
      isWhole:
        content.length === size && crc32(content) === crc && archive.toString('latin1', local, local + 2) === 'PK',
      mode: archive.readUInt32LE(at + 38) >>> 16,
      time: [archive.readUInt16LE(at + 14), archive.readUInt16LE(at + 12)],
      sameInBoth: archive.subarray(local + 4, local + 30).equals(archive.subarray(at + 6, at + 32)),
    };
    at += 46 + nameSize;
    return entry;
  });
}

test('what was put in comes out, whole, in the order of names, with modes and the time in UTC', (t) => {
  const [license, plugin, ...others] = unzipped(zip(files, { modified }));
  t.deepEqual(others, []);
  const date = ((2026 - 1980) << 9) | (11 << 5) | 21;
  const time = (13 << 11) | (45 << 5) | 3;
  t.deepEqual(license, {
    name: 'LICENSE',
    content: files[1]?.content,
    isWhole: true,
    mode: 0o100644,
    time: [date, time],
    sameInBoth: true,
  });
  t.deepEqual(plugin, { ...plugin, name: 'plugin.exe', content: files[0]?.content, isWhole: true, mode: 0o100755 });
});

test('the same files give the same bytes, whatever the time zone, the umask, the language and the folder', (t) => {
  const license = files.slice(1);
  const here = createHash('sha256').update(zip(license, { modified })).digest('hex');
  const call = `zip(
    [{ name: 'LICENSE', content: Buffer.from('be nice\\n'.repeat(500)), isExecutable: false }],
    { modified: new Date('2026-11-21T13:45:06Z') },
  )`;
  t.is(digestElsewhere('krew/archive/zip.ts', call), here);
});
