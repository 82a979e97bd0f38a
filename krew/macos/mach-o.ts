/** A load command of a Mach-O file: where it is, and what it is. */
export type LoadCommand = { readonly command: number; readonly offset: number; readonly size: number };

/** A segment: its load command, and what of the file it maps. Offsets and sizes in bytes. */
export type Segment = LoadCommand & {
  readonly name: string;
  readonly address: number;
  readonly memorySize: number;
  readonly fileOffset: number;
  readonly fileSize: number;
};

export type MachO = {
  /** Go's name. */
  readonly arch: 'amd64' | 'arm64';
  readonly commands: readonly LoadCommand[];
  readonly segments: readonly Segment[];
  /** Where the load commands end, and where the first thing after them begins. */
  readonly commandsEnd: number;
  readonly contentStart: number;
};

export const headerSize = 32;
/** Load commands that we look for: LC_SEGMENT_64 and LC_CODE_SIGNATURE of mach-o/loader.h. */
export const loadCommand = { segment: 0x19, codeSignature: 0x1d } as const;
/** Where fields of a LC_SEGMENT_64 are, from its beginning. */
export const segmentField = { memorySize: 32, fileSize: 48 } as const;

/**
 * Reads the header and the load commands of a 64-bit Mach-O executable.
 *
 * @throws Error for whatever isn't one, universal binaries included
 * @see https://github.com/apple-oss-distributions/xnu/blob/main/EXTERNAL_HEADERS/mach-o/loader.h
 */
export function readMachO(file: Buffer): MachO {
  if (file.length < headerSize || file.readUInt32LE(0) !== 0xfeedfacf) {
    throw new Error("It isn't a 64-bit Mach-O file of one architecture.");
  }
  const arch = architectures[file.readUInt32LE(4)];
  if (arch === undefined) throw new Error(`Its architecture 0x${file.readUInt32LE(4).toString(16)} isn't known.`);
  if (file.readUInt32LE(12) !== 2) throw new Error("It is a Mach-O file, but it isn't an executable.");

  const commandsEnd = headerSize + file.readUInt32LE(20);
  const commands = [...commandsOf(file, commandsEnd)];
  const segments = commands
    .filter(({ command }) => command === loadCommand.segment)
    .map((command) => segmentOf(file, command));
  const starts = segments.flatMap((segment) => sectionOffsets(file, segment)).filter((offset) => offset > 0);
  return { arch, commands, segments, commandsEnd, contentStart: Math.min(file.length, ...starts) };
}

const architectures: Readonly<Record<number, MachO['arch']>> = { 16777223: 'amd64', 16777228: 'arm64' };

function* commandsOf(file: Buffer, end: number): Generator<LoadCommand> {
  let offset = headerSize;
  for (let left = file.readUInt32LE(16); left > 0; left -= 1) {
    const size = offset + 8 <= end ? file.readUInt32LE(offset + 4) : 0;
    if (size < 8 || offset + size > end || end > file.length) throw new Error('Its load commands are cut off.');
    yield { command: file.readUInt32LE(offset), offset, size };
    offset += size;
  }
}

function segmentOf(file: Buffer, command: LoadCommand): Segment {
  const field = (at: number) => Number(file.readBigUInt64LE(command.offset + at));
  return {
    ...command,
    name: nameAt(file, command.offset + 8),
    address: field(24),
    memorySize: field(segmentField.memorySize),
    fileOffset: field(40),
    fileSize: field(segmentField.fileSize),
  };
}

/** Those without content in the file, as .bss, have 0. */
function sectionOffsets(file: Buffer, { offset }: Segment): number[] {
  const count = file.readUInt32LE(offset + 64);
  return Array.from({ length: count }, (_, index) => file.readUInt32LE(offset + 72 + 80 * index + 48));
}

function nameAt(file: Buffer, offset: number): string {
  return file.toString('latin1', offset, offset + 16).replace(/\0+$/, '');
}
