//! Services to which data is sent that nobody asked for, and hosts that are names of standards rather than places.

/// Hosts, and the start of the path if the service has innocent uses: chat webhooks, bots, pastes, tunnels, request bins.
const WEBHOOKS: &[(&str, &str)] = &[
    ("discord.com", "/api/webhooks"),
    ("discord.com", "/api/v10/webhooks"),
    ("discordapp.com", "/api/webhooks"),
    ("hooks.slack.com", ""),
    ("api.telegram.org", "/bot"),
    ("api.telegram.org", "/\u{fffc}"),
    ("webhook.office.com", ""),
    ("outlook.office.com", "/webhook"),
    ("hooks.zapier.com", ""),
    ("make.com", "/hook"),
    ("maker.ifttt.com", ""),
    ("webhook.site", ""),
    ("requestbin.com", ""),
    ("requestbin.net", ""),
    ("pipedream.net", ""),
    ("requestcatcher.com", ""),
    ("requestrepo.com", ""),
    ("hookbin.com", ""),
    ("beeceptor.com", ""),
    ("typedwebhook.tools", ""),
    ("oast.fun", ""),
    ("oast.pro", ""),
    ("oast.live", ""),
    ("oast.site", ""),
    ("oast.online", ""),
    ("oast.me", ""),
    ("oastify.com", ""),
    ("interact.sh", ""),
    ("burpcollaborator.net", ""),
    ("dnslog.cn", ""),
    ("ceye.io", ""),
    ("bxss.me", ""),
    ("canarytokens.com", ""),
    ("ngrok.io", ""),
    ("ngrok.app", ""),
    ("ngrok.dev", ""),
    ("ngrok-free.app", ""),
    ("ngrok-free.dev", ""),
    ("trycloudflare.com", ""),
    ("loca.lt", ""),
    ("localtunnel.me", ""),
    ("serveo.net", ""),
    ("localhost.run", ""),
    ("lhr.life", ""),
    ("pastebin.com", ""),
    ("hastebin.com", ""),
    ("paste.ee", ""),
    ("dpaste.com", ""),
    ("dpaste.org", ""),
    ("rentry.co", ""),
    ("ghostbin.com", ""),
    ("termbin.com", ""),
    ("transfer.sh", ""),
    ("file.io", ""),
    ("gofile.io", ""),
    ("anonfiles.com", ""),
    ("catbox.moe", ""),
    ("0x0.st", ""),
    ("temp.sh", ""),
    ("bashupload.com", ""),
    ("script.google.com", "/macros"),
    ("open.feishu.cn", "/open-apis/bot"),
    ("oapi.dingtalk.com", "/robot"),
    ("qyapi.weixin.qq.com", "/cgi-bin/webhook"),
    ("ntfy.sh", ""),
    ("api.pushover.net", ""),
];

/// Hosts of identifiers, which are compared and never asked, and of samples (RFC 2606).
const NOT_PLACES: &[&str] = &[
    "www.w3.org",
    "w3.org",
    "json-schema.org",
    "schemas.xmlsoap.org",
    "schemas.openxmlformats.org",
    "purl.org",
    "ns.adobe.com",
    "spec.openapis.org",
    "example.com",
    "example.org",
    "example.net",
];

/// Whether data sent to this URL reaches somebody who need not have an account with anybody.
pub(super) fn is_webhook(host: &str, path: &str) -> bool {
    WEBHOOKS.iter().any(|(service, start)| is_under(host, service) && path.starts_with(start))
}

/// Whether nobody connects to this host.
pub(super) fn is_not_a_place(host: &str) -> bool {
    NOT_PLACES.iter().any(|name| is_under(host, name)) || is_under(host, "localhost") || host.ends_with(".example")
}

fn is_under(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|front| front.is_empty() || front.ends_with('.'))
}
