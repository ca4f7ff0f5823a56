export const KINDS = ['payloads', 'answers', 'batches', 'pages', 'digests', 'messages', 'lines', 'rows']
