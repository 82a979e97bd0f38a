/** The time between two moments as kubectl prints ages: `8s`, `5m`, `3h12m`, `2d`. Nothing for no valid time. */
export function formatAge(from: Date, to: Date): string | undefined {
  const seconds = Math.max(0, Math.floor((to.getTime() - from.getTime()) / 1000));
  if (Number.isNaN(seconds)) return undefined;
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (seconds < 120) return `${seconds}s`;
  if (minutes < 10) return joined(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  if (hours < 8) return joined(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  if (days < 8) return joined(days, 'd', hours % 24, 'h');
  return `${days}d`;
}

function joined(first: number, firstUnit: string, second: number, secondUnit: string): string {
  return second === 0 ? `${first}${firstUnit}` : `${first}${firstUnit}${second}${secondUnit}`;
}
