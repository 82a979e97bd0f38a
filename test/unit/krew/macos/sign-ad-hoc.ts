import test from 'ava';
import { signAdHoc } from '../../../../krew/macos/sign-ad-hoc.ts';
import { verifySignature } from './_verify-signature.ts';

const options = { identifier: 'kubectl-virt_platform' };

type Shape = {
  cpu?: number;
  type?: number;
  /** Bytes between the load commands and the first section. */
  room?: number;
  /** Of what __LINKEDIT holds. */
  linkEdit?: number;
  /** Bytes after it. */
  trailing?: number;
  /** A segment in memory after it. */
  after?: boolean;
};

/** An executable as a linker leaves it, as small as can be: __TEXT of three pages, then __LINKEDIT. */
function executable({
  cpu = 0x0100000c,
  type = 2,
  room = 64,
  linkEdit = 1_001,
  trailing = 0,
  after = false,
}: Shape = {}): Buffer {
  const textSize = 0xc000;
  const commandsSize = 152 + 72 + (after ? 72 : 0);
  const file = Buffer.alloc(textSize + linkEdit + trailing);
  for (let at = 32 + commandsSize + room; at < file.length; at += 1) file[at] = at % 251;
  for (const [index, value] of [0xfeedfacf, cpu, 0, type, after ? 3 : 2, commandsSize].entries()) {
    file.writeUInt32LE(value, 4 * index);
  }
  const segment = (
    at: number,
    name: string,
    size: number,
    [address, memory, offset, length]: number[],
    sections = 0,
  ) => {
    file.writeUInt32LE(0x19, at);
    file.writeUInt32LE(size, at + 4);
    file.write(name, at + 8, 'latin1');
    for (const [index, value] of [address, memory, offset, length].entries()) {
      file.writeBigUInt64LE(BigInt(value ?? 0), at + 24 + 8 * index);
    }
    file.writeUInt32LE(sections, at + 64);
  };
  segment(32, '__TEXT', 152, [0x100000000, textSize, 0, textSize], 1);
  file.writeUInt32LE(32 + commandsSize + room, 32 + 72 + 48);
  segment(184, '__LINKEDIT', 72, [0x100000000 + textSize, 0x4000, textSize, linkEdit]);
  if (after) segment(256, '__AFTER', 72, [0x200000000, 0x4000, 0, 0]);
  return file;
}

test('a signed executable is one that macOS takes: structure, segments, and the hash of every page', (t) => {
  const { identifier, isAdHoc, pages, mistakes } = verifySignature(signAdHoc(executable(), options));
  t.deepEqual(mistakes, []);
  t.true(isAdHoc);
  t.is(identifier, 'kubectl-virt_platform');
  t.is(pages, Math.ceil((0xc000 + 1_008) / 4096));
});

for (const [what, shape] of Object.entries({
  'for Intel': { cpu: 0x01000007 },
  'that ends with a page': { linkEdit: 0x1000 },
  'that ends just after a page': { linkEdit: 0x1001 },
  'with room for just one load command': { room: 16 },
  'with an empty __LINKEDIT': { linkEdit: 0 },
})) {
  test(`so is one ${what}`, (t) => {
    t.deepEqual(verifySignature(signAdHoc(executable(shape), options)).mistakes, []);
  });
}

test('what was there before is there still, but for the header and the size of __LINKEDIT', (t) => {
  const unsigned = executable();
  const signed = signAdHoc(unsigned, options);
  const different = [...unsigned.keys()].filter((at) => unsigned[at] !== signed[at]);
  const header = [16, 20];
  const sizesOfLinkEdit = [184 + 32, 184 + 48];
  const newCommand = [256, 260, 264, 268];
  for (const at of different) {
    t.true(
      [...header, ...sizesOfLinkEdit, ...newCommand].some((field) => at >= field && at < field + 4),
      `byte ${at}`,
    );
  }
});

test('the same input gives the same bytes, and goes back unchanged', (t) => {
  const unsigned = executable();
  const first = signAdHoc(unsigned, options);
  t.deepEqual(unsigned, executable());
  t.deepEqual(signAdHoc(unsigned, options), first);
});

test('a signature is replaced: signing twice is signing once, and another name leaves nothing of the old one', (t) => {
  const once = signAdHoc(executable(), options);
  t.deepEqual(signAdHoc(once, options), once);
  const renamed = signAdHoc(once, { identifier: 'x' });
  t.deepEqual(verifySignature(renamed).mistakes, []);
  t.deepEqual(renamed, signAdHoc(executable(), { identifier: 'x' }));
  t.false(renamed.includes('kubectl-virt_platform'));
});

test('one changed byte is noticed, wherever it is', (t) => {
  const signed = signAdHoc(executable(), options);
  for (const at of [300, 0x1fff, 0x2000, 0xc000, 0xc000 + 1_000]) {
    const changed = Buffer.from(signed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    t.deepEqual(verifySignature(changed).mistakes, [`page ${Math.floor(at / 4096)} has another hash`]);
  }
});

for (const [what, file, message] of [
  ['a file of Linux', Buffer.from(`\x7fELF${'\0'.repeat(100)}`, 'latin1'), /isn't a 64-bit Mach-O file/],
  ['an empty file', Buffer.alloc(0), /isn't a 64-bit Mach-O file/],
  ['one for several architectures', Buffer.concat([Buffer.from('cafebabe', 'hex'), Buffer.alloc(100)]), /of one arch/],
  ['a library', executable({ type: 6 }), /isn't an executable/],
  ['an unknown architecture', executable({ cpu: 18 }), /architecture 0x12/],
  ['one that is cut off', executable().subarray(0, 200), /cut off/],
  ['one without room for a load command', executable({ room: 8 }), /no room/],
  ['one with something after its last segment', executable({ trailing: 5 }), /no place for a signature/],
  ['one with another segment behind', executable({ after: true }), /__AFTER comes after __LINKEDIT/],
] as const) {
  test(`${what} is refused`, (t) => {
    t.throws(() => signAdHoc(file, options), { message });
  });
}
