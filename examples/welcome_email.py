from highway_dsl import WorkflowBuilder, task

workflow = (
    WorkflowBuilder("welcome_email_sequence")
    .add(task("send_welcome")
        .tool("tools.email.send")
        .input(to="${input.email}", subject="Welcome to Highway!", template="welcome"))
    .add(task("wait_2_days")
        .tool("tools.time.sleep_for")
        .input(duration="2d"))
    .add(task("check_login")
        .tool("tools.http.request")
        .input(url="${env.API_URL}/api/v1/users/${input.email}/last_login"))
    .add(task("send_followup")
        .tool("tools.email.send")
        .input(to="${input.email}", subject="Need help getting started?", template="followup")
        .when("${steps.check_login.output.has_logged_in} == false"))
    .build()
)
