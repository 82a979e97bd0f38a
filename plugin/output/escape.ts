// The controller's logs and events escape the same, so escaping is shared.
export { escapeJson, escapeText } from '../../shared/api/escape.ts';
