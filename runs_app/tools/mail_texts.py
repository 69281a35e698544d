"""The mail texts that every new tenant starts with. Tenants edit their own copies.

References are filled from the step's `context` and the run's inputs; the payload of `user_created`, which starts the
welcome sequence, has `email` and `first_name`. Every reference here has a default, so these texts fit any run.
"""

from __future__ import annotations

from typing import TypedDict


class MailText(TypedDict):
    name: str
    subject: str
    body: str
    html: str


PAGE = """\
<!doctype html>
<html lang="en">
  <body style="margin:0;padding:24px;background:#f4f5f7;font-family:Helvetica,Arial,sans-serif;color:#1f2933">
    <div style="max-width:560px;margin:0 auto;padding:32px;background:#ffffff;border-radius:8px;line-height:1.5">
{content}
    </div>
  </body>
</html>
"""

WELCOME = MailText(
    name="welcome",
    subject="Welcome to Highway!",
    body="""\
Hi {{first_name | default("there")}},

welcome to Highway! Your account for {{email | default("this address")}} is ready.

Three good first steps:

  1. Sign in and look at the templates: each is a piece of work you can start by name.
  2. Run one. Fill in its form, press Run, and watch its steps finish one after the other.
  3. Let it run by itself: give it a schedule, or a trigger that starts it when something happens.

If anything is unclear, just reply to this mail. We read every answer.

See you on the road,
your Highway team
""",
    html=PAGE.format(
        content="""\
      <h1 style="margin-top:0;font-size:22px">Welcome to Highway!</h1>
      <p>Hi {{first_name | default("there")}},</p>
      <p>your account for <strong>{{email | default("this address")}}</strong> is ready.
      Three good first steps:</p>
      <ol>
        <li><strong>Sign in and look at the templates:</strong> each is a piece of work you can start by name.</li>
        <li><strong>Run one.</strong> Fill in its form, press Run, and watch its steps finish.</li>
        <li><strong>Let it run by itself:</strong> give it a schedule, or a trigger that starts it when something
        happens.</li>
      </ol>
      <p>If anything is unclear, just reply to this mail. We read every answer.</p>
      <p>See you on the road,<br>your Highway team</p>"""
    ),
)

FOLLOWUP = MailText(
    name="followup",
    subject="Need help getting started?",
    body="""\
Hi {{first_name | default("there")}},

we noticed that you have not signed in to Highway yet, and wanted to ask whether something is in the way.

  - The invitation got lost? Reply to this mail and we send you a new one.
  - Not sure where to begin? Tell us in a sentence what you would like to automate; we answer with a template that fits.
  - No time just now? Nothing is lost: your account for {{email | default("this address")}} stays ready.

All the best,
your Highway team
""",
    html=PAGE.format(
        content="""\
      <h1 style="margin-top:0;font-size:22px">Need help getting started?</h1>
      <p>Hi {{first_name | default("there")}},</p>
      <p>we noticed that you have not signed in to Highway yet, and wanted to ask whether something is in the way.</p>
      <ul>
        <li><strong>The invitation got lost?</strong> Reply to this mail and we send you a new one.</li>
        <li><strong>Not sure where to begin?</strong> Tell us in a sentence what you would like to automate; we answer
        with a template that fits.</li>
        <li><strong>No time just now?</strong> Nothing is lost: your account for
        {{email | default("this address")}} stays ready.</li>
      </ul>
      <p>All the best,<br>your Highway team</p>"""
    ),
)

MAIL_TEXTS: tuple[MailText, ...] = (WELCOME, FOLLOWUP)
