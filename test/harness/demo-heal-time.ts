import { readFile } from 'node:fs/promises';
import type { ControlPlane } from './control-plane.ts';

type AuditEvent = {
  readonly verb: string;
  readonly requestURI: string;
  readonly stageTimestamp: string;
  readonly objectRef?: { readonly resource?: string; readonly name?: string };
  readonly responseStatus?: { readonly code: number };
};

/**
 * From the end of the last write by `rival` to the end of the controller's next one, in milliseconds: both as the API
 * server's audit log has them. Undefined while there is none yet.
 */
export async function healTime(
  { auditLog }: ControlPlane,
  object: { readonly resource: string; readonly name: string; readonly rival: string },
): Promise<number | undefined> {
  const lines = (await readFile(auditLog, 'utf8')).split('\n').slice(0, -1);
  const writes = lines
    .map((line) => JSON.parse(line) as AuditEvent)
    .filter(
      ({ verb, requestURI, objectRef, responseStatus }) =>
        verb === 'patch' &&
        objectRef?.resource === object.resource &&
        objectRef.name === object.name &&
        responseStatus?.code === 200 &&
        !requestURI.includes('dryRun='),
    );
  const by = (manager: string) => (write: AuditEvent) => write.requestURI.includes(`fieldManager=${manager}`);
  const drifted = writes.findLastIndex(by(object.rival));
  const healed = writes.findIndex((write, index) => index > drifted && by('virt-platform-autopilot')(write));
  const [from, to] = [writes[drifted], writes[healed]];
  if (from === undefined || to === undefined) return undefined;
  return Date.parse(to.stageTimestamp) - Date.parse(from.stageTimestamp);
}
