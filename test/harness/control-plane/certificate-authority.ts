import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

export type KeyPair = {
  /** PEM. */
  certificate: string;
  /** PEM, PKCS #8. */
  key: string;
};

export type Subject = { commonName: string; organizations?: readonly string[] };

/** A certificate authority in memory: Node makes keys and signatures but no X.509, so the little DER it takes is here. */
export class CertificateAuthority {
  readonly certificate: string;
  readonly #key: KeyObject;
  readonly #name: Buffer;

  constructor(commonName: string) {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#key = privateKey;
    this.#name = distinguishedName({ commonName });
    this.certificate = this.#sign(this.#name, publicKey, [
      extension('2.5.29.19', true, sequence(boolean(true))), // basicConstraints: a CA
      extension('2.5.29.15', true, bitString(Buffer.from([0x06]), 1)), // keyUsage: keyCertSign, cRLSign
    ]);
  }

  /** A certificate for a server on this machine. */
  server(): KeyPair {
    const names = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
    const alternatives = sequence(
      ...names.map((name) => tagged(0x82, Buffer.from(name))),
      tagged(0x87, Buffer.from([127, 0, 0, 1])),
    );
    return this.#issue({ commonName: 'kube-apiserver' }, '1.3.6.1.5.5.7.3.1', [
      extension('2.5.29.17', false, alternatives),
    ]);
  }

  /** A certificate for a client; to Kubernetes the common name is the user and each organization a group. */
  client(subject: Subject): KeyPair {
    return this.#issue(subject, '1.3.6.1.5.5.7.3.2', []);
  }

  #issue(subject: Subject, extendedKeyUsage: string, extensions: Buffer[]): KeyPair {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const certificate = this.#sign(distinguishedName(subject), publicKey, [
      extension('2.5.29.15', true, bitString(Buffer.from([0x80]), 7)), // keyUsage: digitalSignature
      extension('2.5.29.37', false, sequence(objectIdentifier(extendedKeyUsage))),
      ...extensions,
    ]);
    return { certificate, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
  }

  /** RFC 5280, section 4.1. */
  #sign(subject: Buffer, publicKey: KeyObject, extensions: Buffer[]): string {
    const ecdsaWithSha256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'));
    const now = Date.now();
    const day = 24 * 60 * 60 * 1000;
    const body = sequence(
      tagged(0xa0, integer(Buffer.from([2]))), // version 3
      integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
      ecdsaWithSha256,
      this.#name,
      sequence(utcTime(now - day), utcTime(now + 365 * day)),
      subject,
      publicKey.export({ type: 'spki', format: 'der' }),
      tagged(0xa3, sequence(...extensions)),
    );
    const der = sequence(body, ecdsaWithSha256, bitString(sign('sha256', body, this.#key), 0));
    const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
    return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
  }
}

function distinguishedName({ commonName, organizations = [] }: Subject): Buffer {
  const attribute = (type: string, value: string) =>
    tagged(0x31, sequence(objectIdentifier(type), tagged(0x0c, Buffer.from(value))));
  return sequence(...organizations.map((name) => attribute('2.5.4.10', name)), attribute('2.5.4.3', commonName));
}

function extension(type: string, isCritical: boolean, value: Buffer): Buffer {
  return sequence(objectIdentifier(type), ...(isCritical ? [boolean(true)] : []), tagged(0x04, value));
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

/** Big-endian and positive: the first byte's highest bit is clear. */
function integer(value: Buffer): Buffer {
  return tagged(0x02, value);
}

function boolean(value: boolean): Buffer {
  return tagged(0x01, Buffer.from([value ? 0xff : 0]));
}

function bitString(bits: Buffer, unused: number): Buffer {
  return tagged(0x03, Buffer.concat([Buffer.from([unused]), bits]));
}

function utcTime(milliseconds: number): Buffer {
  return tagged(0x17, Buffer.from(`${new Date(milliseconds).toISOString().replace(/\D/g, '').slice(2, 14)}Z`));
}

function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = rest.flatMap((number) => {
    const groups = [number & 0x7f];
    for (let left = number >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    return groups;
  });
  return tagged(0x06, Buffer.from([first * 40 + second, ...bytes]));
}

function tagged(tag: number, content: Buffer): Buffer {
  const size = content.length;
  if (size < 0x80) return Buffer.concat([Buffer.from([tag, size]), content]);
  const length = size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}
