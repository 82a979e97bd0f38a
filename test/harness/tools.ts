import { accessSync, constants } from 'node:fs';
import path from 'node:path';

/** Programs that aren't npm packages, and how to get each; without one, what needs it is skipped and named at the end. */
export const tools = {
  shellcheck: 'install the package "shellcheck" (apt-get install shellcheck, brew install shellcheck)',
  promtool: 'install the package "prometheus" (apt-get install prometheus, brew install prometheus)',
} as const;

export function isOnPath(tool: string): boolean {
  return (process.env.PATH ?? '').split(path.delimiter).some((folder) => {
    try {
      accessSync(path.join(folder, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
