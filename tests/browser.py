"""A headless Chromium, driven over its pipe: the DevTools protocol."""
import json
import os
import shutil
import subprocess
import time

CHROMIUM = next(filter(None, map(shutil.which, (
    'chromium', 'chromium-browser', 'google-chrome', 'chrome'))), None)
LIMIT = 120  # seconds that a page has for anything, on a busy machine


class Browser:
    """One tab. Messages go through two pipes, each ends with a zero byte."""

    def __init__(self, folder, width=1200, height=1300):
        to_read, self._out = os.pipe()
        self._in, to_write = os.pipe()

        def connect():  # Chromium reads from 3 and writes to 4
            ends = os.dup(to_read), os.dup(to_write)
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self._process = subprocess.Popen(
            [CHROMIUM, '--headless=new', '--no-sandbox', '--disable-gpu',
             '--no-first-run', '--disable-dev-shm-usage',
             '--disable-background-networking',
             '--remote-debugging-pipe', f'--user-data-dir={folder}',
             f'--window-size={width},{height}'],
            preexec_fn=connect, close_fds=False, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self._last, self._buffer, self._session = 0, b'', None
        self.requests = []  # addresses that the page asked for
        target = self.call('Target.createTarget', url='about:blank')
        self._session = self.call(
            'Target.attachToTarget', targetId=target['targetId'],
            flatten=True)['sessionId']
        for domain in ('Page', 'Network', 'DOM', 'Runtime'):
            self.call(f'{domain}.enable')

    def close(self):
        self._process.kill()
        self._process.wait()
        os.close(self._out)
        os.close(self._in)

    def call(self, method, **params):
        """Send a command; return its result."""
        self._last += 1
        sent = dict(id=self._last, method=method, params=params)
        if self._session:
            sent['sessionId'] = self._session
        os.write(self._out, json.dumps(sent).encode() + b'\0')
        while (found := self._receive()).get('id') != self._last:
            if found.get('method') == 'Network.requestWillBeSent':
                self.requests.append(found['params']['request']['url'])
        assert 'error' not in found, (method, found['error'])
        return found['result']

    def _receive(self):
        while b'\0' not in self._buffer:
            block = os.read(self._in, 1 << 16)
            assert block, 'Chromium has ended'
            self._buffer += block
        text, _, self._buffer = self._buffer.partition(b'\0')
        return json.loads(text)

    def run(self, script):
        """The value of an expression in the page."""
        found = self.call('Runtime.evaluate', expression=script,
                          returnByValue=True, awaitPromise=True)
        assert 'exceptionDetails' not in found, found['exceptionDetails']
        return found['result'].get('value')

    def until(self, script, limit=LIMIT):
        """Wait until an expression is true; return its value."""
        end = time.monotonic() + limit
        while not (value := self.run(script)):
            assert time.monotonic() < end, f'never true: {script}'
            time.sleep(.05)
        return value

    def open(self, url):
        self.call('Page.navigate', url=url)

    def give(self, selector, path):
        """Choose a file in a field of files."""
        root = self.call('DOM.getDocument')['root']['nodeId']
        node = self.call('DOM.querySelector', nodeId=root, selector=selector)
        self.call('DOM.setFileInputFiles', nodeId=node['nodeId'],
                  files=[str(path)])

    def type(self, selector, text, leave=True):
        """Replace the text of a field, as by keys."""
        self.run(f'document.querySelector({selector!r}).focus(); '
                 f'document.querySelector({selector!r}).select()')
        self.call('Input.insertText', text=str(text))
        if leave:
            self.run('document.activeElement.blur()')

    def picture(self, path):
        import base64
        data = self.call('Page.captureScreenshot', format='png')['data']
        with open(path, 'wb') as file:
            file.write(base64.b64decode(data))
