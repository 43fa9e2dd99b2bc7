//! What mails say, in each language.

use super::model::{Action, Mail, Parts};

/// A mail in Korean.
pub(super) fn korean<'a>(mail: &Mail<'a>, shop: &'a str) -> Parts<'a> {
    let parts = |subject: String, lines, action, notes| Parts {
        lang: "ko",
        shop,
        subject,
        lines,
        action: Some(action),
        notes,
    };
    let why = |reason: Option<&str>| match reason {
        Some(reason) => format!("사유: {reason}"),
        None => "사유: 국세청에 계속사업자로 확인되지 않았습니다.".to_owned(),
    };
    match *mail {
        Mail::VerifyEmail { link, hours } => parts(
            format!("[{shop}] 이메일 주소를 확인해 주세요"),
            vec![
                format!("{shop} 계정에 이 이메일 주소가 등록되었습니다."),
                format!(
                    "로그인한 상태에서 아래 링크를 열면 확인이 끝납니다. 링크는 {hours}시간 동안 쓸 수 있습니다."
                ),
            ],
            Action { label: "이메일 주소 확인", link },
            vec![
                "직접 요청하지 않았다면 이 메일을 무시해 주세요. 링크를 열지 않으면 아무 일도 일어나지 않습니다.",
            ],
        ),
        Mail::ResetPassword { link, minutes } => parts(
            format!("[{shop}] 비밀번호를 다시 설정해 주세요"),
            vec![
                "비밀번호를 다시 설정해 달라는 요청을 받았습니다.".to_owned(),
                format!(
                    "아래 링크에서 새 비밀번호를 정해 주세요. 링크는 {minutes}분 동안 쓸 수 있습니다."
                ),
                "새 비밀번호를 정하면 모든 기기에서 로그아웃되고, 연결된 소셜 계정은 해제됩니다."
                    .to_owned(),
            ],
            Action { label: "비밀번호 다시 설정", link },
            vec![
                "직접 요청하지 않았다면 이 메일을 무시해 주세요. 이 링크를 다른 사람에게 알려 주지 마세요.",
            ],
        ),
        Mail::Linked { provider, link } => parts(
            format!("[{shop}] {provider} 계정이 연결되었습니다"),
            vec![format!("이제 {provider} 계정으로도 {shop}에 로그인할 수 있습니다.")],
            Action { label: "연결된 계정 보기", link },
            vec!["직접 연결하지 않았다면 바로 연결을 해제하고 비밀번호를 바꿔 주세요."],
        ),
        Mail::BusinessApproved { company, link } => parts(
            format!("[{shop}] 입점이 승인되었습니다"),
            vec![format!("{company}의 입점이 승인되었습니다. 이제 상품을 등록할 수 있습니다.")],
            Action { label: "판매 시작하기", link },
            vec![],
        ),
        Mail::BusinessRejected { company, reason, link } => parts(
            format!("[{shop}] 입점이 승인되지 않았습니다"),
            vec![format!("{company}의 입점 신청이 승인되지 않았습니다."), why(reason)],
            Action { label: "내용을 고쳐 다시 신청하기", link },
            vec![],
        ),
        Mail::BusinessSuspended { company, reason, link } => parts(
            format!("[{shop}] 판매가 중지되었습니다"),
            vec![format!("{company}의 판매가 중지되었습니다."), why(reason)],
            Action { label: "사업자 정보 보기", link },
            vec![],
        ),
    }
}

/// A mail in English.
pub(super) fn english<'a>(mail: &Mail<'a>, shop: &'a str) -> Parts<'a> {
    let parts = |subject: String, lines, action, notes| Parts {
        lang: "en",
        shop,
        subject,
        lines,
        action: Some(action),
        notes,
    };
    let why = |reason: Option<&str>| match reason {
        Some(reason) => format!("The reason: {reason}"),
        None => {
            "The reason: the national tax service does not list the number as an active business."
                .to_owned()
        }
    };
    match *mail {
        Mail::VerifyEmail { link, hours } => parts(
            format!("[{shop}] Please confirm your email address"),
            vec![
                format!("Somebody entered this email address for an account at {shop}."),
                format!(
                    "If that was you, open the link below while you are signed in. It works for \
                     {hours} hours."
                ),
            ],
            Action { label: "Confirm the address", link },
            vec!["If it was not you, ignore this mail. Nothing happens unless the link is opened."],
        ),
        Mail::ResetPassword { link, minutes } => parts(
            format!("[{shop}] Choose a new password"),
            vec![
                "Somebody asked for a new password for your account.".to_owned(),
                format!("Open the link below to choose one. It works for {minutes} minutes."),
                "You will then be signed out everywhere, and linked sign-in accounts are removed."
                    .to_owned(),
            ],
            Action { label: "Choose a new password", link },
            vec!["If it was not you, ignore this mail, and do not pass the link on to anybody."],
        ),
        Mail::Linked { provider, link } => parts(
            format!("[{shop}] Your account was linked with {provider}"),
            vec![format!("You can now sign in to {shop} with your {provider} account, too.")],
            Action { label: "See linked accounts", link },
            vec!["If it was not you, remove the link at once and change your password."],
        ),
        Mail::BusinessApproved { company, link } => parts(
            format!("[{shop}] Your business was approved"),
            vec![format!("{company} was approved. You can now register deals.")],
            Action { label: "Start selling", link },
            vec![],
        ),
        Mail::BusinessRejected { company, reason, link } => parts(
            format!("[{shop}] Your business was not approved"),
            vec![format!("The application of {company} was not approved."), why(reason)],
            Action { label: "Correct it and apply again", link },
            vec![],
        ),
        Mail::BusinessSuspended { company, reason, link } => parts(
            format!("[{shop}] Your business was suspended"),
            vec![format!("{company} can sell nothing for now."), why(reason)],
            Action { label: "See your business", link },
            vec![],
        ),
    }
}
